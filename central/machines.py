"""How a machine is, told from its last heartbeat and its last report: the worst counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.store.upkeep import Heartbeat

RANK: Final = {"red": 0, "yellow": 1, "unknown": 2, "green": 3, "grey": 4}  # grey: nothing was asked there
WELL: Final = frozenset({"", "ready"})  # no device says nothing of itself: face, central, the journey
IN_SERVICE, OUT_OF_SERVICE = "in_service", "out_of_service"
MINUTE: Final = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """``proven``: the minute since which every part has done its work; empty: one of them never did."""

    colour: str
    proven: str = ""
    heard: str = ""
    because: str = ""


def state_of(beat: Heartbeat | None, report: tuple[str, str]) -> MachineState:
    """Return how a machine is. ``report``: colour and time of its last readiness report.

    A heartbeat is newer than any report of its day, and overrules it; a silent machine is red whatever it said.
    """
    if beat is None:
        return MachineState(colour=report[0], heard=report[1])
    body = json.loads(beat.body)
    parts: dict[str, dict[str, Any]] = body["parts"]
    heard = beat.received.strftime(MINUTE)
    proven = _oldest([part["proven"] for part in parts.values() if part["alone"]])
    if beat.silent is not None:
        because = f"silent since {beat.silent.strftime(MINUTE)}"
        return MachineState(colour="red", proven=proven, heard=heard, because=because)
    red = sorted(f"{name}: {part['cause']}" for name, part in parts.items() if part["cause"])
    if red or body["mode"] == OUT_OF_SERVICE:
        return MachineState(colour="red", proven=proven, heard=heard, because=", ".join(red) or body["mode"])
    yellow = sorted(name for name, part in parts.items() if part["state"] not in WELL)
    if yellow or not proven or body["quarantined"] or body["mode"] != IN_SERVICE:
        return MachineState(colour="yellow", proven=proven, heard=heard, because=", ".join(yellow) or body["mode"])
    return MachineState(colour="green", proven=proven, heard=heard)


def _oldest(times: Sequence[str | None]) -> str:
    moments = [datetime.fromisoformat(time).astimezone(UTC) for time in times if time is not None]
    return min(moments).strftime(MINUTE) if moments and len(moments) == len(times) else ""
