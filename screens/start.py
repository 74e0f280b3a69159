"""The ways to run the terminal: on its screen, without one, or played; simulated far ends where the profile asks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from kiosk.errors import SettingsError
from kiosk.settings import SIMULATION_ALLOWED, Profile, Settings, load
from screens.arguments import DEMO_STATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from devices.sim.launch import Laboratory
    from screens.arguments import Arguments

EXIT_LIMIT_S = 5.0  # everything was closed in order before; what still runs now is stuck
EXIT_TEMPORARY = 75  # <sysexits.h> EX_TEMPFAIL: the demo's far ends did not come to stand


def check_config(asked: Arguments) -> int:
    """Print every setting in force with its origin. Raises ``SettingsError``."""
    for key, value, origin in load(asked.profile, overlays=_overlays(asked, _state(asked))).effective():
        print(f"{key} = {value!r}  [{origin}]")  # noqa: T201 - the command's answer
    return 0


def run(asked: Arguments) -> int:
    """Run the terminal as asked; return the exit status. Raises ``SettingsError``."""
    if asked.play is not None and asked.out is not None:
        from screens.play import play  # noqa: PLC0415 - the player and its readers are no part of a terminal in service

        return play(asked, asked.play, asked.out)
    state = _state(asked)
    with _only_one(state), laboratory(asked, _overlays(asked, state), state) as (settings, lab):
        if lab is not None and lab.dock:
            sys.stderr.write(f"control page of the simulated world: {lab.dock}\n")
        status = _headless(settings) if asked.headless else _on_screen(settings, asked)
    _leave_with(status)
    return status


def _leave_with(status: int) -> None:
    """Bound the end of the process: Python waits at its exit for the thread of a driver that does not let go."""
    timer = threading.Timer(EXIT_LIMIT_S, os._exit, (status,))
    timer.daemon = True
    timer.start()


@contextlib.contextmanager
def laboratory(
    asked: Arguments, overlays: Sequence[tuple[str, Mapping[str, object]]], folder: Path | None
) -> Iterator[tuple[Settings, Laboratory | None]]:
    """Start the simulated far ends the settings ask for, and yield the settings that lead there."""
    settings = load(asked.profile, overlays=overlays)
    wanted = settings.simulation
    if not (wanted.world or wanted.central):
        yield settings, None
        return
    if folder is None:
        raise SettingsError(
            [f"--state: a simulated world needs a folder; the profile {asked.profile} has none of its own"]
        )
    # The simulated world is no part of a terminal in service: it is not even imported there.
    from devices.sim.faces import Faces  # noqa: PLC0415 - likewise
    from devices.sim.launch import Laboratory, LaunchError  # noqa: PLC0415

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError([f"--state: {folder}: cannot be made: {error.strerror}"]) from None
    if wanted.world and not Faces(asked.faces).available():
        raise SettingsError([f"--faces: the demo's portraits are not in {asked.faces}: run make setup"])
    lab = Laboratory(
        folder,
        asked.faces,
        kiosk=settings.terminal.kiosk,
        world=wanted.world,
        central=wanted.central,
        roles=wanted.roles or tuple(settings.devices),
    )
    try:
        lab.start()
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(EXIT_TEMPORARY) from error
    try:
        yield load(asked.profile, overlays=[*overlays, *lab.overlays]), lab
    finally:
        lab.stop()


def _state(asked: Arguments) -> Path | None:
    """Return the folder of a demo; a terminal in service has its own in the settings."""
    if asked.state is None and Profile(asked.profile) in SIMULATION_ALLOWED:
        return DEMO_STATE
    return asked.state


def _overlays(asked: Arguments, state: Path | None) -> list[tuple[str, dict[str, Any]]]:
    terminal: dict[str, object] = {}
    if state is not None:
        terminal["state_dir"] = str((state / "terminal").resolve())
    if asked.language is not None:
        terminal["language"] = asked.language
    return [("command line", {"terminal": terminal})] if terminal else []


@contextlib.contextmanager
def _only_one(folder: Path | None) -> Iterator[None]:
    """Refuse a second demo on the same folder: two terminals must never share one queue."""
    if folder is None:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise SettingsError([f"--state: {folder}: cannot be used: {error.strerror}"]) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                [f"--state: {folder} is in use by another running demo; stop it or name another"]
            ) from None
        yield


def _on_screen(settings: Settings, asked: Arguments) -> int:
    from PySide6.QtCore import QSize  # noqa: PLC0415 - not loaded where there is no screen

    from kiosk.bootstrap import build  # noqa: PLC0415 - every driver, not needed to print settings
    from screens.app import App, Display  # noqa: PLC0415 - likewise

    offscreen = os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    size = QSize(*asked.size) if asked.size else None
    return App(settings, Display(size=size, windowed=asked.windowed, offscreen=offscreen), build).run()


def _headless(settings: Settings) -> int:
    from screens.headless import serve  # noqa: PLC0415 - only where asked for

    return serve(settings)
