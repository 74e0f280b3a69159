"""Guided repair: steps as data, one file a repair, each step confirmed by what the machine sees, not by a tap.

A step ends when its confirmation is seen: a condition appears or goes, the device becomes usable, a contact turns.
Where the machine has no sensor for it the file says ``stated = true``: then the technician's word is taken, and the
record calls it that.
"""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devices.errors import DeviceFault
from devices.health import Condition
from devices.lights import Light
from devices.roles import PORTS
from devices.sensors import Sensor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from devices.values import Clock
    from kiosk.guide_lights import GuideLights
    from kiosk.visit import Tools

LOOK_S: Final = 1.0
"""How often the device is asked while a step waits: a lid that is closed is noticed while the hand is still on it."""


class RepairsError(ValueError):
    """The data are wrong; every problem, with file and place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What has to be seen. Exactly one of ``condition``, ``sensor``, ``usable`` and ``stated`` is given."""

    condition: Condition | None = None
    sensor: Sensor | None = None
    present: bool = True  # of a condition: there, or gone; of a sensor: on, or off
    usable: bool = False
    stated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairStep:
    """One thing to do. ``say`` is a key below ``maintenance.step``; ``picture`` a drawing of the screen's own set."""

    say: str
    picture: str
    confirm: Confirmation
    light: Light | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Steps against causes of one device. ``id`` is the file's name."""

    id: str
    role: str
    causes: frozenset[Condition]
    steps: tuple[RepairStep, ...]


def load(folder: Path) -> tuple[Repair, ...]:
    """Read every file of ``folder``. Raises ``RepairsError`` with all problems, ``OSError``."""
    found, problems = [], list[str]()
    for path in sorted(folder.glob("*.toml")):
        try:
            found.append(_repair(path.stem, tomllib.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, KeyError, TypeError) as error:
            problems.append(f"{path.name}: {type(error).__name__}: {error}")
    if problems:
        raise RepairsError(problems)
    return tuple(found)


def fitting(repairs: Iterable[Repair], role: str, conditions: Iterable[Condition]) -> tuple[Repair, ...]:
    """Return the repairs of ``role``, those against its present causes first; one without causes fits silence."""
    now = frozenset(conditions)
    of_role = [one for one in repairs if one.role == role]
    return tuple(sorted(of_role, key=lambda one: (not one.causes & now, one.id)))


class Bench:
    """Waits for confirmations and lights the way."""

    def __init__(self, tools: Tools, lights: GuideLights) -> None:
        self._tools = tools
        self._lights = lights
        self._clock: Clock = tools.clock

    async def confirmed(self, role: str, step: RepairStep) -> None:
        """Return once what the step asks for is seen; waits as long as it takes. A stated step is never seen."""
        wanted = step.confirm
        if wanted.stated:
            await asyncio.Event().wait()
        if wanted.sensor is not None and self._tools.cabinet is not None:
            await self._tools.cabinet.turned(wanted.sensor, on=wanted.present)
            return
        while not self._seen(role, wanted):
            # Makes the supervisor ask the device now: its own pace is made for machines nobody stands at.
            self._tools.devices.report(role, DeviceFault("asked by a repair", device=role))
            await self._clock.sleep(LOOK_S)

    def can_see(self, step: RepairStep) -> bool:
        """Tell whether this machine has what would confirm the step; without it the technician's word has to do."""
        wanted = step.confirm
        return not wanted.stated and (wanted.sensor is None or self._tools.cabinet is not None)

    def light(self, light: Light | None) -> None:
        """Blink where the step is done; ``None``: no more."""
        self._lights.work_at(light)

    def _seen(self, role: str, wanted: Confirmation) -> bool:
        health = self._tools.devices.health(role)
        if wanted.usable:
            return health.usable
        return (wanted.condition in health.conditions) is wanted.present


def _repair(name: str, data: dict[str, Any]) -> Repair:
    if data["role"] not in PORTS:
        raise ValueError(f"role {data['role']!r} is unknown")
    unknown = data.keys() - {"role", "causes", "step"}
    if unknown or not data["step"]:
        raise ValueError(f"unknown keys {sorted(unknown)}" if unknown else "no step")
    return Repair(
        id=name,
        role=data["role"],
        causes=frozenset(Condition(cause) for cause in data.get("causes", ())),
        steps=tuple(_step(one) for one in data["step"]),
    )


def _step(data: dict[str, Any]) -> RepairStep:
    confirm = dict(data["confirm"])
    if sum(key in confirm for key in ("condition", "sensor", "usable", "stated")) != 1:
        raise ValueError(f"step {data['say']}: confirm needs one of condition, sensor, usable, stated")
    if "condition" in confirm:
        confirm["condition"] = Condition(confirm["condition"])
    if "sensor" in confirm:
        confirm["sensor"] = Sensor(confirm["sensor"])
    light = Light(data["light"]) if "light" in data else None
    unknown = data.keys() - {"say", "picture", "confirm", "light"}
    if unknown:
        raise ValueError(f"step {data['say']}: unknown keys {sorted(unknown)}")
    return RepairStep(say=data["say"], picture=data["picture"], confirm=Confirmation(**confirm), light=light)
