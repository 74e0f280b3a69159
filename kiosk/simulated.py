"""The simulated world for a command at a shell: only demo and lab profiles ask for one (``simulation.world``).

Nothing simulated is imported by a terminal in service: its modules are found by name, when they are asked for.
"""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kiosk.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kiosk.settings import Settings

FACES: Final = Path(__file__).parent.parent / "build" / "faces"  # the demo's portraits; without them nobody is there

PRINTERS: Final = {"document_printer": "sheets", "receipt_printer": "slips"}
_READER: Final[Mapping[str, tuple[str, dict[str, object]]]] = {
    "put": ("card.insert", {"card": "p1"}),
    "lift": ("card.lift", {}),
    "unplug": ("reader.unplug", {}),
    "plug": ("reader.plug", {}),
    "mute": ("reader.silent", {"on": True}),
    "unmute": ("reader.silent", {"on": False}),
}
_CAMERA: Final[Mapping[str, tuple[str, dict[str, object]]]] = {
    "unplug": ("camera.unplug", {}),
    "plug": ("camera.normal", {}),
    "mute": ("camera.mute", {"on": True}),
    "unmute": ("camera.mute", {"on": False}),
    "freeze": ("camera.freeze", {}),
    "cover": ("camera.black", {}),
}
_PRINTER: Final[Mapping[str, tuple[str, dict[str, object]]]] = {
    "unplug": ("printer.unplug", {}),
    "plug": ("printer.plug", {}),
    "empty": ("paper.out", {}),
    "load": ("paper.refill", {}),
}


def _cable(machine: str) -> dict[str, tuple[str, dict[str, object]]]:
    return {"unplug": (f"{machine}.unplug", {}), "plug": (f"{machine}.plug", {})}


def _voice(action: str) -> dict[str, tuple[str, dict[str, object]]]:
    return {"mute": (action, {"on": True}), "unmute": (action, {"on": False})}


MOVES: Final[Mapping[str, Mapping[str, tuple[str, dict[str, object]]]]] = {
    "id_reader": _READER,
    "camera": _CAMERA,
    **dict.fromkeys(PRINTERS, _PRINTER),
    "card_reader": _cable("chip") | {"put": ("chip.insert", {"card": "bank"}), "lift": ("chip.pull", {})},
    "card_slot": _cable("slot") | _voice("slot.silent"),
    "document_camera": _cable("glass"),
    "scanner": _cable("scanner"),
    "pin_pad": _cable("pad"),
    "lights": _cable("board") | _voice("board.silent"),
    "sensors": _cable("board") | _voice("board.silent"),
    "power": _cable("power") | _voice("power.mute"),
}
"""Role: what a suite's hands are called, and the dock's action that does it."""


@contextlib.contextmanager
def world_of(settings: Settings, folder: Path) -> Iterator[tuple[list[tuple[str, dict[str, Any]]], str]]:
    """Start a world in ``folder``; yield the settings that lead there, and its page. Raises ``SettingsError``."""
    launch = importlib.import_module("devices.sim.launch")
    roles = settings.simulation.roles or tuple(settings.devices)
    lab = launch.Laboratory(folder, FACES, kiosk=settings.terminal.kiosk, world=True, central=False, roles=roles)
    try:
        lab.start()
    except launch.LaunchError as error:
        raise SettingsError([str(error)]) from None
    try:
        yield lab.overlays, lab.dock
    finally:
        lab.stop()


class WorldHands:
    """Brings about by the dock what it can (``devices.testing.asking.Answers``)."""

    def __init__(self, role: str, dock: str) -> None:
        self._role = role
        self._client = importlib.import_module("devices.sim.dock_client").DockClient(dock)

    def do(self, name: str, words: str, given: dict[str, Any]) -> bool:
        """Let the world do it; False when it has no such action."""
        del words
        if name not in MOVES.get(self._role, {}):
            return False
        action, values = MOVES[self._role][name]
        if self._role in PRINTERS:
            values = values | {"printer": PRINTERS[self._role]}
        if isinstance(given.get("on"), bool):
            values = values | {"on": given["on"]}
        self._client.act(action, **values)
        return True

    def tell(self, words: str, kind: type) -> None:
        """See nothing: what a person sees is not on the control page."""
        del words, kind
