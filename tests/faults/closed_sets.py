"""What can go wrong at each role: the closed sets of the ports, cut by role. A test holds that nothing is left out."""

from __future__ import annotations

from devices.errors import (
    DeviceCode,
    DeviceError,
    DeviceFault,
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnavailable,
    MediumError,
    OutcomeUnknown,
)
from devices.health import Condition

# What any device may say: it is away, in use, ill, silent, unintelligible, or its driver's process has ended.
_ANY = (
    DeviceCode.ABSENT,
    DeviceCode.CLOSED,
    DeviceCode.BUSY,
    DeviceCode.FAULT,
    DeviceCode.DRIVER_CRASHED,
    DeviceCode.TIMEOUT,
    DeviceCode.PROTOCOL,
)
_CARD = (DeviceCode.CARD_LIFTED, DeviceCode.CARD_UNREADABLE, DeviceCode.CARD_INVALID, DeviceCode.CARD_REFUSED)
_CHIP = (*_CARD, DeviceCode.CARD_UNKNOWN_KIND, DeviceCode.CARD_BLOCKED, DeviceCode.CHIP_ACCESS)
_PICTURES = (DeviceCode.NO_FRAMES, DeviceCode.FROZEN)
_PAPER = (
    DeviceCode.PAPER_OUT,
    DeviceCode.PAPER_JAM,
    DeviceCode.COVER_OPEN,
    DeviceCode.TONER_OUT,
    DeviceCode.JOB_ABORTED,
    DeviceCode.OUTCOME_UNKNOWN,
)

CODES: dict[str, tuple[DeviceCode, ...]] = {
    "id_reader": (
        *_ANY,
        DeviceCode.SECURITY_MODULE,
        *_CARD,
        DeviceCode.CARD_UNKNOWN_KIND,
        DeviceCode.CARD_PHOTO,
    ),
    "card_reader": (*_ANY, DeviceCode.SECURITY_MODULE, *_CHIP),
    "card_slot": (
        *_ANY,
        DeviceCode.CARD_JAM,
        DeviceCode.RETAIN_BIN_FULL,
        DeviceCode.OUTCOME_UNKNOWN,
        *_CHIP,
    ),
    "camera": (*_ANY, *_PICTURES),
    "document_camera": (*_ANY, *_PICTURES),
    "document_printer": (*_ANY, *_PAPER),
    "receipt_printer": (*_ANY, *_PAPER),
    "scanner": (*_ANY, DeviceCode.CODE_UNREADABLE),
    "pin_pad": _ANY,
    "lights": _ANY,
    "speech": _ANY,
    "sensors": _ANY,
    "power": _ANY,
}
CODES_OF_NO_ROLE: dict[DeviceCode, str] = {}  # a code that no port can raise needs its reason here

_HEALTH = (Condition.SILENT, Condition.DRIVER_CRASHED, Condition.OTHER)
_LIGHT = (Condition.NO_FRAMES, Condition.FROZEN, Condition.TOO_DARK, Condition.TOO_BRIGHT)
_SHEETS = (
    Condition.PAPER_LOW,
    Condition.PAPER_OUT,
    Condition.PAPER_JAM,
    Condition.COVER_OPEN,
    Condition.OUTPUT_FULL,
    Condition.OUTPUT_NEARLY_FULL,
    Condition.PAUSED,
    Condition.NOT_ACCEPTING,
    Condition.UNRECOVERABLE,
    Condition.MEMORY_FULL,
)
_LASER = (
    Condition.TONER_LOW,
    Condition.TONER_OUT,
    Condition.TRAY_MISSING,
    Condition.WASTE_NEARLY_FULL,
    Condition.WASTE_FULL,
    Condition.DRUM_WORN,
    Condition.DRUM_OUT,
    Condition.FUSER,
)
CONDITIONS: dict[str, tuple[Condition, ...]] = {
    "id_reader": (*_HEALTH, Condition.SECURITY_MODULE),
    "card_reader": (*_HEALTH, Condition.SECURITY_MODULE),
    "card_slot": (*_HEALTH, Condition.CARD_JAM, Condition.RETAIN_BIN_FULL),
    "camera": (*_HEALTH, *_LIGHT),
    "document_camera": (*_HEALTH, *_LIGHT),
    "document_printer": (*_HEALTH, *_SHEETS, *_LASER),
    "receipt_printer": (*_HEALTH, *_SHEETS, Condition.CUTTER_ERROR, Condition.HEAD_HOT),
    "scanner": _HEALTH,
    "pin_pad": _HEALTH,
    "lights": _HEALTH,
    "speech": _HEALTH,
    "sensors": _HEALTH,
    "power": (*_HEALTH, Condition.ON_BATTERY, Condition.BATTERY_LOW, Condition.BATTERY_WORN),
}
CONDITIONS_OF_NO_ROLE: dict[Condition, str] = {}

# How a driver tells of a condition when the device is used all the same.
CODE_OF_CONDITION = {
    Condition.NO_FRAMES: DeviceCode.NO_FRAMES,
    Condition.FROZEN: DeviceCode.FROZEN,
    Condition.SECURITY_MODULE: DeviceCode.SECURITY_MODULE,
    Condition.DRIVER_CRASHED: DeviceCode.DRIVER_CRASHED,
    Condition.SILENT: DeviceCode.TIMEOUT,
}


def error_of(code: DeviceCode, role: str, job: str = "") -> DeviceError:
    """Return the error a driver raises for ``code``, as ``devices/errors.py`` orders them."""
    if code is DeviceCode.OUTCOME_UNKNOWN:
        return OutcomeUnknown("planted", job=job, device=role)
    kind: type[DeviceError] = DeviceFault
    if code.value.startswith("medium."):
        kind = MediumError
    elif code in {DeviceCode.ABSENT, DeviceCode.CLOSED, DeviceCode.BUSY, DeviceCode.DRIVER_CRASHED}:
        kind = DeviceUnavailable
    elif code is DeviceCode.TIMEOUT:
        kind = DeviceTimeout
    elif code is DeviceCode.PROTOCOL:
        kind = DeviceProtocolError
    return kind("planted", code=code, device=role)
