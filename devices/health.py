"""The closed set of things a device can say about itself."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class HealthState(enum.StrEnum):
    """How far a device can be used."""

    READY = "ready"
    DEGRADED = "degraded"  # works, somebody should look: paper low
    FAULT = "fault"  # answers, cannot do its work: paper out, cover open
    ABSENT = "absent"  # does not answer
    UNKNOWN = "unknown"  # not asked yet, or its answer means nothing: never taken for READY


class Condition(enum.StrEnum):
    """Named causes. Drivers map every vendor status to these."""

    PAPER_LOW = "paper_low"
    PAPER_OUT = "paper_out"
    PAPER_JAM = "paper_jam"
    COVER_OPEN = "cover_open"
    CUTTER_ERROR = "cutter_error"
    HEAD_HOT = "head_hot"
    TONER_LOW = "toner_low"
    TONER_OUT = "toner_out"
    OUTPUT_FULL = "output_full"
    PAUSED = "paused"
    NOT_ACCEPTING = "not_accepting"
    UNRECOVERABLE = "unrecoverable"
    SECURITY_MODULE = "security_module"  # SAM self-test failed or not authorised
    NO_FRAMES = "no_frames"
    SILENT = "silent"  # no answer to a status question
    TRAY_MISSING = "tray_missing"
    OUTPUT_NEARLY_FULL = "output_nearly_full"
    WASTE_NEARLY_FULL = "waste_nearly_full"
    WASTE_FULL = "waste_full"
    DRUM_WORN = "drum_worn"  # near its end of life
    DRUM_OUT = "drum_out"
    FUSER = "fuser"  # too hot or too cold to fix toner
    MEMORY_FULL = "memory_full"
    FROZEN = "frozen"  # the camera repeats one picture
    TOO_DARK = "too_dark"  # nothing can be seen: covered, or no light
    TOO_BRIGHT = "too_bright"
    CARD_JAM = "card_jam"
    RETAIN_BIN_FULL = "retain_bin_full"
    ON_BATTERY = "on_battery"
    BATTERY_LOW = "battery_low"
    BATTERY_WORN = "battery_worn"
    DRIVER_CRASHED = "driver_crashed"  # its process ended; the hardware may be sound
    OTHER = "other"  # it asks for something there is no word for here; the log has the machine's own


DEGRADING = frozenset(
    {
        Condition.PAPER_LOW,
        Condition.TONER_LOW,
        Condition.OUTPUT_NEARLY_FULL,
        Condition.WASTE_NEARLY_FULL,
        Condition.DRUM_WORN,
        Condition.ON_BATTERY,
        Condition.BATTERY_WORN,
        Condition.OTHER,
    }
)


@dataclass(frozen=True, slots=True)
class Health:
    """State and causes at one moment."""

    state: HealthState
    conditions: frozenset[Condition] = frozenset()

    @classmethod
    def of(cls, conditions: frozenset[Condition]) -> Health:
        """Derive the state from the causes of a device that answers."""
        if not conditions:
            return READY
        return cls(HealthState.DEGRADED if conditions <= DEGRADING else HealthState.FAULT, conditions)

    @property
    def usable(self) -> bool:
        """Tell whether a service may be offered on this device."""
        return self.state in {HealthState.READY, HealthState.DEGRADED}


READY = Health(HealthState.READY)
ABSENT = Health(HealthState.ABSENT)
UNKNOWN = Health(HealthState.UNKNOWN)
