"""What can go wrong at a device. Drivers say *what happened*; the kiosk's policy table decides *what to do*.

DeviceError
 ├─ DeviceUnavailable    absent, unplugged, cannot be opened
 ├─ DeviceFault          the hardware says it is broken: jam, paper out
 ├─ MediumError          the resident's medium: unreadable, expired, lifted too early
 ├─ DeviceTimeout        no answer in time (also a TimeoutError)
 ├─ OutcomeUnknown       the link was lost inside a state-changing command: read the state first, never resend blindly
 └─ DeviceProtocolError  bytes that make no sense
"""

from __future__ import annotations

import enum
import traceback


class DeviceCode(enum.StrEnum):
    """Closed set; resident text, staff text and docs/errors.md are keyed by it."""

    ABSENT = "device.absent"
    CLOSED = "device.closed"
    BUSY = "device.busy"
    FAULT = "device.fault"
    PAPER_OUT = "device.paper_out"
    PAPER_JAM = "device.paper_jam"
    COVER_OPEN = "device.cover_open"
    TONER_OUT = "device.toner_out"
    JOB_ABORTED = "device.job_aborted"
    SECURITY_MODULE = "device.security_module"
    NO_FRAMES = "device.no_frames"
    FROZEN = "device.frozen"
    CARD_JAM = "device.card_jam"
    RETAIN_BIN_FULL = "device.retain_bin_full"
    DRIVER_CRASHED = "device.driver_crashed"
    TIMEOUT = "device.timeout"
    OUTCOME_UNKNOWN = "device.outcome_unknown"
    PROTOCOL = "device.protocol"
    CARD_LIFTED = "medium.card_lifted"
    CARD_UNREADABLE = "medium.card_unreadable"
    CARD_UNKNOWN_KIND = "medium.card_unknown_kind"
    CARD_INVALID = "medium.card_invalid"
    CARD_PHOTO = "medium.card_photo"  # read, but its picture is of no use: cut short, blank, no face
    CARD_REFUSED = "medium.card_refused"  # authentication between card and SAM, or of a chip's data, failed
    CARD_BLOCKED = "medium.card_blocked"  # the issuer has shut the card or its application
    CHIP_ACCESS = "medium.chip_access"  # the printed data that open the chip are not this document's
    CODE_UNREADABLE = "medium.code_unreadable"


class DeviceError(Exception):
    """Root. ``detail`` is for technicians and never holds personal data; ``device`` is the name in the settings."""

    default_code = DeviceCode.FAULT

    def __init__(self, detail: str, *, code: DeviceCode | None = None, device: str = "") -> None:
        super().__init__(detail)
        self.code = code or self.default_code
        self.detail = detail
        self.device = device

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" + (f" [{self.device}]" if self.device else "")


class DeviceUnavailable(DeviceError):
    """Absent, unplugged, cannot be opened."""

    default_code = DeviceCode.ABSENT


class DeviceFault(DeviceError):
    """The hardware says it is broken."""


class MediumError(DeviceError):
    """The resident's medium is the trouble, not the device."""

    default_code = DeviceCode.CARD_UNREADABLE


class DeviceTimeout(DeviceError, TimeoutError):
    """No answer in time."""

    default_code = DeviceCode.TIMEOUT


class OutcomeUnknown(DeviceError):
    """The link was lost inside a state-changing command; ``job`` names what to ask about."""

    default_code = DeviceCode.OUTCOME_UNKNOWN

    def __init__(self, detail: str, *, job: str = "", code: DeviceCode | None = None, device: str = "") -> None:
        super().__init__(detail, code=code, device=device)
        self.job = job


class DeviceProtocolError(DeviceError):
    """Bytes that make no sense."""

    default_code = DeviceCode.PROTOCOL


def forget_frames(error: BaseException) -> None:
    """Empty the calls that ``error``, and what it came of, went through: a PIN or a card's number may stand there.

    Type, text and lines stay. Whoever keeps the error, or prints it with what its calls held, has nothing more to show.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)
            pending += [one.__context__, one.__cause__]
