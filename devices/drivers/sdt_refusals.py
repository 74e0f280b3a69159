"""What each status byte of an SDT module means for whoever stands at the terminal."""

from __future__ import annotations

from devices.drivers.sdt_frames import MODULE_BROKEN, Command, Status
from devices.drivers.sdt_link import module_fault
from devices.errors import DeviceCode, DeviceError, DeviceProtocolError, MediumError

_MEDIUM = {
    Status.CARD_DISTRUSTS_SAM: DeviceCode.CARD_REFUSED,
    Status.SAM_DISTRUSTS_CARD: DeviceCode.CARD_REFUSED,
    Status.DATA_UNVERIFIED: DeviceCode.CARD_REFUSED,
    Status.FINGERPRINT_UNVERIFIED: DeviceCode.CARD_REFUSED,
    Status.UNKNOWN_CARD: DeviceCode.CARD_UNKNOWN_KIND,
    Status.READ_FAILED: DeviceCode.CARD_LIFTED,
    Status.NO_CARD: DeviceCode.CARD_LIFTED,
    Status.SELECT_FAILED: DeviceCode.CARD_UNREADABLE,
    Status.ABSENT_ON_CARD: DeviceCode.CARD_UNREADABLE,
    Status.RANDOM_FAILED: DeviceCode.CARD_UNREADABLE,  # the module was reset: the next try may well succeed
}


def refusal(command: Command, status: int) -> DeviceError:
    """Return the error that a reply with ``status`` to ``command`` stands for.

    A status that means the driver is wrong (21, 23, 24, or one nobody has documented) is a ``DeviceProtocolError``.
    """
    if status in MODULE_BROKEN:
        return module_fault(status)
    detail = f"{command.name}: status {status:02X}"
    code = next((code for known, code in _MEDIUM.items() if known == status), None)
    return DeviceProtocolError(detail) if code is None else MediumError(detail, code=code)
