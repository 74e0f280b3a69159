"""Drivers and photo decoders by name. A driver, and the vendor library it needs, is loaded only when asked for.

A package from elsewhere adds a driver without a line here: an entry point of group ``tongban.drivers``, its value
``module:Class``, the class with a constructor ``(name: str, **options)`` whose options have names and types: ``str``,
``int``, ``float``, ``bool``, several of these or ``None`` joined by ``|``, or a table as ``Mapping[K, V]`` (``K`` may
be an enumeration: it names the keys that are right). The constructor may raise ``ValueError`` for what makes no sense.
"""

from __future__ import annotations

import collections.abc
import enum
import importlib
import inspect
import types
import typing
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from devices.device import Device
from devices.hosted.process import Order
from devices.hosted.proxy import hosted
from devices.photo_decoder import PhotoDecoder
from devices.roles import PORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.hosted.confine import Limits
    from devices.hosted.proxy import HostedDevice

ENTRY_POINT_GROUP = "tongban.drivers"
DRIVERS = {
    "sdt": ("devices.drivers.sdt_id_reader", "SdtIdReader"),
    "ipp": ("devices.drivers.ipp_printer", "IppPrinter"),
    "escpos": ("devices.drivers.escpos_printer", "EscposPrinter"),
    "opencv": ("devices.drivers.opencv_camera", "OpencvCamera"),
    "pcsc": ("devices.drivers.pcsc_card_reader", "PcscCardReader"),
    "opencv-document": ("devices.drivers.document_opencv", "OpencvDocumentCamera"),
    "espeak": ("devices.drivers.espeak_speech", "EspeakSpeech"),
    "modbus-lights": ("devices.drivers.modbus_lights", "ModbusLights"),
    "modbus-sensors": ("devices.drivers.modbus_sensors", "ModbusSensors"),
    "nut": ("devices.drivers.nut_power", "NutPower"),
    "serial-scanner": ("devices.drivers.serial_scanner", "SerialScanner"),
    "hid-scanner": ("devices.drivers.hid_scanner", "HidScanner"),
    "serial-pin-pad": ("devices.drivers.serial_pin_pad", "SerialPinPad"),
    "hid-pin-pad": ("devices.drivers.hid_pin_pad", "HidPinPad"),
    "sim-card-slot": ("devices.sim.sim_card_slot", "SimCardSlot"),
}
PHOTO_DECODERS = {
    "none": ("devices.photo_decoder", "NoPhotoDecoder"),
    "sim-webp": ("devices.sim.photo_block", "SimPhotoDecoder"),
}
# What a settings file can say, by the annotation of the option; other annotations are the driver's own affair.
_PLAIN: dict[type, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


def drivers() -> dict[str, tuple[str, str]]:
    """Return every known driver: name to module and class. Raises ``ValueError`` when two packages claim one name."""
    known = dict(DRIVERS)
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if known.setdefault(point.name, (point.module, point.attr)) != (point.module, point.attr):
            raise ValueError(f"driver {point.name!r} is claimed twice: {known[point.name][0]} and {point.module}")
    return known


def create(driver: str, name: str, options: Mapping[str, object]) -> Device:
    """Build the device ``name``. Nothing is opened.

    Raises ``ValueError`` naming the driver or every wrong option at once, and what is known instead. Where ``name`` is
    one of the roles, the driver must be of its port.
    """
    built = _load(driver, drivers(), "driver")
    port = PORTS.get(name, Device)
    if not issubclass(built, Device) or port not in built.__mro__:
        raise ValueError(f"{name}: driver {driver!r}: {built.__qualname__} is no {port.__name__}")
    problems = _problems(built, options)
    if built.__abstractmethods__:
        problems.append(f"{built.__qualname__} lacks {', '.join(sorted(built.__abstractmethods__))}")
    if problems:
        raise ValueError(f"{name}: driver {driver!r}: " + "; ".join(problems))
    constructor: Callable[..., Device] = built  # its signature was checked just now
    try:
        return constructor(name, **options)
    except ValueError as error:  # a value of the right type that makes no sense
        raise ValueError(f"{name}: driver {driver!r}: {error}") from error
    except Exception as error:  # a package from elsewhere must not take the terminal down
        raise ValueError(f"{name}: driver {driver!r}: cannot be made: {_told(error)}") from error


def create_hosted(driver: str, name: str, options: Mapping[str, object], limits: Limits) -> HostedDevice:
    """Build the device ``name`` to run in a process of its own, whose driver this one never loads. Nothing is opened.

    Blocks while a process makes the driver once. Raises ``ValueError`` like :func:`create`.
    """
    return hosted(Order(driver, name, options, limits))


def create_photo_decoder(name: str) -> PhotoDecoder:
    """Build the decoder ``name``. Raises ``ValueError`` naming what is known."""
    found = _load(name, PHOTO_DECODERS, "photo decoder")
    if not issubclass(found, PhotoDecoder):
        raise ValueError(f"photo decoder {name!r}: {found.__qualname__} is none")  # noqa: TRY004 - a settings error
    decoder: PhotoDecoder = found()
    return decoder


def _load(name: str, known: Mapping[str, tuple[str, str]], what: str) -> type:
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; known are {', '.join(sorted(known))}")
    module, attribute = known[name]
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # whatever a module from elsewhere does while it is loaded
        raise ValueError(f"{what} {name!r} cannot be loaded: {_told(error)}") from error
    if not isinstance(found, type):
        raise ValueError(f"{what} {name!r}: {module}:{attribute} is no class")  # noqa: TRY004 - a settings error
    return found


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _problems(driver: type[Device], options: Mapping[str, object]) -> list[str]:
    """Compare ``options`` with the constructor's parameters after the name; one line for each that does not fit."""
    parameters = dict(list(inspect.signature(driver).parameters.items())[1:])
    known = ", ".join(parameters) or "none"
    problems = [f"unknown option {key!r} (known: {known})" for key in options if key not in parameters]
    problems += [
        f"option {key!r} is missing"
        for key, parameter in parameters.items()
        if parameter.default is parameter.empty and key not in options
    ]
    hints = _hints(driver)
    for key, value in options.items():
        if key in parameters:
            problems += _misfits(f"option {key!r}", value, hints.get(key))
    return problems


def _hints(driver: type[Device]) -> dict[str, object]:
    """Return the options' types; only the plain ones where an annotation has a name that type checkers alone see."""
    try:
        return typing.get_type_hints(driver.__init__)
    except NameError:
        plain = {kind.__name__: kind for kind in _PLAIN}
        parameters = inspect.signature(driver).parameters.values()
        return {each.name: plain[each.annotation] for each in parameters if each.annotation in plain}


def _misfits(where: str, value: object, hint: object) -> list[str]:
    """Return what is wrong with ``value``; of a table, one line for each key and each value that does not fit."""
    if typing.get_origin(hint) is collections.abc.Mapping:
        return _table_misfits(where, value, *typing.get_args(hint))
    wanted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    wanted = tuple(each for each in wanted if each is not types.NoneType)  # a settings file leaves the option out
    if any(each not in _PLAIN or _is_a(value, each) for each in wanted):
        return []
    return [f"{where} must be {' or '.join(each.__name__ for each in wanted)}, not {type(value).__name__}"]


def _is_a(value: object, kind: type) -> bool:
    # A bool is an int to Python, and a mistake in a settings file.
    return isinstance(value, _PLAIN[kind]) and (kind is bool or not isinstance(value, bool))


def _table_misfits(where: str, value: object, keys: object, values: object) -> list[str]:
    if not isinstance(value, collections.abc.Mapping):
        return [f"{where} must be a table, not {type(value).__name__}"]
    problems = []
    if isinstance(keys, type) and issubclass(keys, enum.Enum):
        known = [str(each.value) for each in keys]
        listed = ", ".join(known)
        problems = [f"{where}: unknown key {key!r} (known: {listed})" for key in value if key not in known]
    for key, item in value.items():
        problems += _misfits(f"{where}: {key!r}", item, values)
    return problems
