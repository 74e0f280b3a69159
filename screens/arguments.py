"""The command line of the terminal."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.settings import Profile
from kiosk.views import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
DEMO_STATE = ROOT / "build" / "demo"
FACES = ROOT / "build" / "faces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What was asked for."""

    profile: str
    check_config: bool
    play: Path | None
    out: Path | None
    state: Path | None
    faces: Path
    headless: bool
    language: str | None
    size: tuple[int, int] | None
    windowed: bool


def _size(said: str) -> tuple[int, int]:
    width, _, height = said.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 1080x1920, found {said!r}")
    return int(width), int(height)


def arguments(words: Sequence[str] | None = None) -> Arguments:
    """Read the command line; ends the process with status 2 when it makes no sense."""
    parser = argparse.ArgumentParser(prog="main.py", description="Tongban: a terminal for government services.")
    add = parser.add_argument
    add("--profile", default="demo", choices=[p.value for p in Profile], help="what this machine is (default: demo)")
    add("--check-config", action="store_true", help="print the settings in force with their origin, and end")
    add("--play", type=Path, metavar="FILE", help="play a visit file offscreen and judge it (demo and lab only)")
    add("--out", type=Path, metavar="DIR", help="with --play: receives report, pictures, prints and logs")
    add(
        "--state",
        type=Path,
        metavar="DIR",
        help=f"where a demo keeps its data (default: {DEMO_STATE.relative_to(ROOT)})",
    )
    add("--faces", type=Path, metavar="DIR", default=FACES, help="portraits shown to the simulated camera")
    add("--headless", action="store_true", help="run without any screen: devices, queue and link only")
    add("--language", choices=[language.value for language in Language], help="language at the start")
    add("--size", type=_size, metavar="WxH", help="size of the window in pixels (default: the whole screen)")
    add("--windowed", action="store_true", help="a window on a desktop instead of the whole screen")
    found = parser.parse_args(words)
    if (found.play is None) != (found.out is None):
        parser.error("--play FILE and --out DIR belong together")
    if found.play is not None and found.headless:
        parser.error("--play needs the screen: leave --headless out")
    return Arguments(**vars(found))
