"""``main.py --play FILE --out DIR``: one visit on the whole terminal, offscreen, with everything it leaves in DIR."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize

from devices.sim.dock_client import DockClient
from kiosk.bootstrap import build
from kiosk.errors import SettingsError
from kiosk.settings import SIMULATION_ALLOWED, Profile
from screens.player_visit import EXIT_REFUSED, VisitRefused, read_visit
from screens.start import laboratory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kiosk.settings import Settings
    from screens.arguments import Arguments
    from screens.player_visit import Visit

REPORT = "report.json"
LEAVINGS = ("central", "logs", "screens", "terminal", "world", REPORT)


def play(asked: Arguments, file: Path, out: Path) -> int:
    """Play the visit: 0 when every expectation held, 1 when not, 64 when the file is no visit."""
    try:
        visit = read_visit(file)
    except VisitRefused as refused:
        for problem in refused.problems:
            sys.stderr.write(f"{problem}\n")
        return EXIT_REFUSED
    if Profile(asked.profile) not in SIMULATION_ALLOWED:
        raise SettingsError([f"--play: refused in the profile {asked.profile}: there is no simulated world to play in"])
    try:
        _make_room(out)
    except OSError as error:
        raise SettingsError([f"--out: {out}: {error.strerror or error}; name a folder that can be written"]) from error
    overlays: list[tuple[str, dict[str, object]]] = [
        (file.name, visit.settings),
        (
            "command line",
            {"terminal": {"state_dir": str((out / "terminal").resolve()), "language": visit.language.value}},
        ),
    ]
    with laboratory(asked, overlays, out) as (settings, lab):
        if lab is None or not lab.dock:
            raise SettingsError(["simulation.world: a visit is played in a simulated world; set it to true"])
        with _output_to(out / "logs" / "terminal.log"):
            status, summary = _perform(settings, visit, DockClient(lab.dock), out)
    sys.stderr.write(f"{visit.name}: {'ok' if status == 0 else 'FAILED'}, see {out / REPORT}\n")
    for line in summary:
        sys.stderr.write(f"  {line}\n")
    return status


def _perform(settings: Settings, visit: Visit, dock: DockClient, out: Path) -> tuple[int, list[str]]:
    from screens.app import App, Display  # noqa: PLC0415 - Qt reads its environment when first imported
    from screens.player import Player  # noqa: PLC0415 - likewise

    width, height = map(int, visit.size.split("x"))
    app = App(settings, Display(size=QSize(width, height), offscreen=True), build)
    players: list[Player] = []

    def attend(app: App) -> Player:
        players.append(Player(app, visit, dock, out))
        return players[0]

    app.run(attend)
    players[0].write_report(out / REPORT)
    return (0 if players[0].ok else 1), players[0].summary()


def _make_room(out: Path) -> None:
    """Clear what an earlier play left; anything else in the folder is somebody's and stays."""
    out.mkdir(parents=True, exist_ok=True)
    strangers = sorted(path.name for path in out.iterdir() if path.name not in LEAVINGS)
    if strangers:
        raise SettingsError([f"--out: {out} holds {', '.join(strangers[:5])}; name an empty or new folder"])
    for name in LEAVINGS:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send what the process writes, libraries included, to a file: the terminal's own log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, before in enumerate(kept, start=1):
            os.dup2(before, number)
            os.close(before)
