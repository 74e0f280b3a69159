"""Drivers and photo decoders by name. A driver, and the vendor library it needs, is loaded only when asked for.

A package from elsewhere adds a driver without a line here: an entry point of group ``tongban.drivers``, its value
``module:Class``, the class with a constructor ``(name: str, **options)`` whose options have names and types.
"""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from devices.device import Device
from devices.photo_decoder import PhotoDecoder
from devices.roles import PORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENTRY_POINT_GROUP = "tongban.drivers"
DRIVERS = {
    "sdt": ("devices.drivers.sdt_id_reader", "SdtIdReader"),
    "ipp": ("devices.drivers.ipp_printer", "IppPrinter"),
    "escpos": ("devices.drivers.escpos_printer", "EscposPrinter"),
    "opencv": ("devices.drivers.opencv_camera", "OpencvCamera"),
}
PHOTO_DECODERS = {
    "none": ("devices.photo_decoder", "NoPhotoDecoder"),
    "sim-webp": ("devices.sim.photo_block", "SimPhotoDecoder"),
}
# What a settings file can say, by the annotation of the option; other annotations are the driver's own affair.
_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


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
    if problems:
        raise ValueError(f"{name}: driver {driver!r}: " + "; ".join(problems))
    constructor: Callable[..., Device] = built  # its signature was checked just now
    return constructor(name, **options)


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
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{what} {name!r} cannot be loaded: {error}") from error
    if not isinstance(found, type):
        raise ValueError(f"{what} {name!r}: {module}:{attribute} is no class")  # noqa: TRY004 - a settings error
    return found


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
    problems += [
        f"option {key!r} must be {parameters[key].annotation}, not {type(value).__name__}"
        for key, value in options.items()
        if key in parameters and not _fits(value, parameters[key].annotation)
    ]
    return problems


def _fits(value: object, annotation: object) -> bool:
    wanted = annotation.__name__ if isinstance(annotation, type) else annotation
    if not isinstance(wanted, str) or wanted not in _PLAIN:
        return True
    # A bool is an int to Python, and a mistake in a settings file.
    return isinstance(value, _PLAIN[wanted]) and (wanted == "bool" or not isinstance(value, bool))
