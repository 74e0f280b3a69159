"""What can go wrong in the core, and the one table that says what the terminal then does.

KioskError
 ├─ GatewayUnreachable   no network, time-out, 5xx
 ├─ GatewayRejected      central says no, with a business code
 ├─ GatewayUntrusted     certificate or signature wrong
 ├─ DocumentRefused      a document that must not be printed: seal broken, or another person's
 ├─ SettingsError        all problems listed at once (exit 78)
 └─ JourneyError         a bug
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from devices.errors import (
    DeviceError,
    DeviceFault,
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnavailable,
    MediumError,
    OutcomeUnknown,
)
from offline_queue.errors import QueueCorrupt, QueueError, QueueFull

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kiosk.views import Text


class KioskCode(enum.StrEnum):
    """Closed set; resident text, staff text and docs/errors.md are keyed by it."""

    UNREACHABLE = "gateway.unreachable"
    REJECTED = "gateway.rejected"
    UNTRUSTED = "gateway.untrusted"
    SEAL_BROKEN = "document.seal_broken"
    WRONG_PERSON = "document.wrong_person"
    FACE_ENGINE = "face.engine"
    SETTINGS = "settings.invalid"
    PACKAGE = "package.invalid"
    JOURNEY = "journey.invalid"


class KioskError(Exception):
    """Root. ``detail`` is for technicians and never holds personal data."""

    default_code = KioskCode.JOURNEY

    def __init__(self, detail: str, *, code: KioskCode | None = None) -> None:
        super().__init__(detail)
        self.code = code or self.default_code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class GatewayUnreachable(KioskError):
    """No network, a time-out, or central is ill itself (5xx)."""

    default_code = KioskCode.UNREACHABLE


class GatewayRefused(GatewayUnreachable):
    """Central does not let this terminal in: an expired token, or worse. To a resident it is out of reach."""


class GatewayRejected(KioskError):
    """Central says no. ``reason`` is its business code, ``words`` its own words for residents where it sent any."""

    default_code = KioskCode.REJECTED

    def __init__(self, detail: str, *, reason: str, words: Text | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.words = words


class GatewayUntrusted(KioskError):
    """Whoever answers is not central."""

    default_code = KioskCode.UNTRUSTED


class DocumentRefused(KioskError):
    """A document that must not be printed."""

    default_code = KioskCode.SEAL_BROKEN


class FaceEngineFailed(KioskError):
    """The face engine died, hung or is not there; never a verdict by default."""

    default_code = KioskCode.FACE_ENGINE


class JourneyError(KioskError):
    """A bug in a journey, a step or a package that the checks should have found."""


class SettingsError(KioskError):
    """Every problem of the settings at once, each with its source, key, reason and remedy."""

    default_code = KioskCode.SETTINGS

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class PackageError(KioskError):
    """Every problem of a service package at once, each with file, key and reason."""

    default_code = KioskCode.PACKAGE

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Recovery(enum.Enum):
    """What the runner does about an error of a step."""

    ASK_AGAIN = "ask the person again, three times, then the step gives up"
    RETRY_ONCE = "run the step once more, then treat the device as unavailable"
    FAULT_VIEW = "say what happened, tell staff, offer to try again"
    READ_STATE = "let the step find out what became of it; never repeat blindly"
    TAKE_IN_OR_APOLOGISE = "take the case in where the service allows it, else apologise"
    SAY_REASON = "end the service with central's reason"
    REFUSE_AND_ALARM = "refuse, raise an alarm, apologise"
    CRASH = "apology view, wipe, exit; the service manager starts anew"


RECOVERY: Mapping[type[Exception], Recovery] = {
    MediumError: Recovery.ASK_AGAIN,
    DeviceTimeout: Recovery.RETRY_ONCE,
    DeviceProtocolError: Recovery.RETRY_ONCE,
    DeviceUnavailable: Recovery.FAULT_VIEW,
    DeviceFault: Recovery.FAULT_VIEW,
    OutcomeUnknown: Recovery.READ_STATE,
    DeviceError: Recovery.FAULT_VIEW,
    QueueFull: Recovery.FAULT_VIEW,
    QueueCorrupt: Recovery.FAULT_VIEW,
    QueueError: Recovery.FAULT_VIEW,
    GatewayUnreachable: Recovery.TAKE_IN_OR_APOLOGISE,
    GatewayRejected: Recovery.SAY_REASON,
    GatewayUntrusted: Recovery.REFUSE_AND_ALARM,
    DocumentRefused: Recovery.REFUSE_AND_ALARM,
    FaceEngineFailed: Recovery.FAULT_VIEW,
    JourneyError: Recovery.CRASH,
    SettingsError: Recovery.CRASH,
    PackageError: Recovery.CRASH,
    KioskError: Recovery.CRASH,
}


def recovery_for(error: Exception) -> Recovery:
    """Return what to do: the entry of the nearest class; anything unknown is a bug."""
    for kind in type(error).__mro__:
        if kind in RECOVERY:
            return RECOVERY[kind]
    return Recovery.CRASH
