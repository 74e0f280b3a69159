"""Which services can be finished here and now, and why the others cannot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.catalogue.model import Identity, Offline
from kiosk.phrases import local
from kiosk.views import NOTHING, Text, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from kiosk.catalogue.model import Package
    from kiosk.gateway import ServiceState
    from kiosk.visit import Tools


@dataclass(slots=True)
class Surroundings:
    """What the terminal knows of the world outside at this moment."""

    link_up: bool = False
    services: Mapping[str, ServiceState] | None = None  # central's word; None: never heard
    closed: tuple[str, ...] = ()  # admission limits reached, by code
    failing: Mapping[str, datetime] = field(default_factory=dict)  # parts that answer and cannot work, since when
    on_battery: bool = False
    power_ends: bool = False  # the battery is about to give out


def obstacle(package: Package, tools: Tools, around: Surroundings) -> Text:
    """Return why ``package`` cannot be begun now; an empty text when it can."""
    if around.power_ends:
        return text("obstacle.power")
    found = _obstacle_of_its_own(package, tools, around)
    if not found and around.closed:
        return text(f"obstacle.{around.closed[0]}")
    return found


def _obstacle_of_its_own(package: Package, tools: Tools, around: Surroundings) -> Text:
    missing = {role: tools.devices.since(role) for role in tools.devices.missing(package.needs)}
    missing |= {role: since for role, since in around.failing.items() if role in package.needs}
    if missing:
        role = min(missing)
        since = local(tools.settings.terminal, missing[role]).strftime("%H:%M")
        return text("obstacle.device", device=text(f"device.{role}"), since=since)
    if package.identity is Identity.CARD_FACE and ("face" in around.failing or not face_possible(tools)):
        return text("obstacle.face")
    if tools.verifier is None and prints_documents(package):
        return text("obstacle.not_offered")  # nothing could prove that the sheet is central's
    if package.offline is Offline.ONLINE_ONLY and not around.link_up:
        return text("obstacle.offline")
    state = (around.services or {}).get(package.code)
    if state is not None and not state.open:
        return state.reason or text("obstacle.paused")
    if around.services is not None and (state is None or state.version != package.version):
        return text("obstacle.version")
    return NOTHING


def prints_documents(package: Package) -> bool:
    """Tell whether the service ends in sheets of central's, which are printed only with their seal proved."""
    return any(output.paper == "A4" for output in package.outputs)


def face_possible(tools: Tools) -> bool:
    """Tell whether the face step can be done at all: engine, liveness and a decoder for the card's picture."""
    return tools.face is not None and tools.settings.face.liveness != "none" and tools.photo_decoder.name != "none"


def obstacles(packages: Iterable[Package], tools: Tools, around: Surroundings) -> dict[str, Text]:
    """Return the obstacle of each package by code."""
    return {package.code: obstacle(package, tools, around) for package in packages}
