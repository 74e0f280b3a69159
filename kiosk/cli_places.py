"""What the commands share: where a terminal's files are, and how a problem is told: one line, status 1."""

from __future__ import annotations

import time
import tomllib
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from kiosk import settings as settings_module
from kiosk.carry.file import CarryError
from kiosk.documents.slip_code import SlipCodeError
from kiosk.errors import SettingsError
from kiosk.keys import KeyStoreError
from offline_queue.errors import QueueCorrupt, QueueError
from offline_queue.ledger import Ledger
from offline_queue.sql import reading
from offline_queue.values import Moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kiosk.settings import Settings

EXIT_REFUSED = 1
QUEUE_FILE = "queue.db"
DEMO_FOLDER = "terminal"  # below the folder of a demo

State = Annotated[
    Path | None, typer.Option(help="the terminal's folder, or a demo's (default: terminal.state_dir of the settings)")
]
File = Annotated[Path | None, typer.Option(help="the queue's file itself, such as a copy of it")]
Profile = Annotated[str, typer.Option(help="what this machine is")]
Site = Annotated[Path | None, typer.Option("--settings", help="a file of settings (TOML), laid over all others")]
Json = Annotated[bool, typer.Option("--json", help="answer in JSON")]


def refuse(problem: str) -> NoReturn:
    """Say what is wrong and end with status 1."""
    typer.echo(problem, err=True)
    raise typer.Exit(EXIT_REFUSED)


@contextmanager
def told() -> Iterator[None]:
    """Turn what can go wrong with files, settings and keys into one line each and status 1."""
    try:
        yield
    except SettingsError as error:
        refuse("\n".join(error.problems))
    except (KeyStoreError, CarryError, SlipCodeError, QueueError) as error:
        refuse(str(error))
    except BrokenPipeError:
        raise  # whoever read our answer has seen enough
    except OSError as error:
        refuse(f"{error.filename or 'the file'}: {error.strerror or type(error).__name__}")


def load_settings(
    profile: str, state: Path | None, site: Path | None, under: Sequence[tuple[str, dict[str, object]]] = ()
) -> Settings:
    """Return the settings in force for a command; ``under``: overlays below its own. Raises ``SettingsError``."""
    overlays = list(under)
    if site is not None:
        try:
            overlays.append((site.name, tomllib.loads(site.read_text(encoding="utf-8"))))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError([f"{site}: not valid TOML: {error}"]) from None
    if state is not None:
        overlays.append(("command line", {"terminal": {"state_dir": str(_folder(state).absolute())}}))
    return settings_module.load(profile, overlays=overlays)


def queue_file(file: Path | None, state: Path | None, profile: str, site: Path | None) -> Path:
    """Return the queue's file, which exists. Raises ``SettingsError``, ``CarryError`` when there is none."""
    if file is not None:
        found = file
    elif state is not None:
        found = _folder(state) / QUEUE_FILE
    else:
        found = Path(load_settings(profile, None, site).terminal.state_dir) / QUEUE_FILE
    if not found.is_file():
        raise CarryError(
            f"there is no queue at {found}: name the terminal's folder with --state or its file with --file"
        )
    return found


@contextmanager
def looking_at(path: Path, *, still: bool = False) -> Iterator[Ledger]:
    """Open a queue to look at it, beside a terminal that may be using it."""
    try:
        with reading(path, still=still) as sql:
            ledger = Ledger(sql, Moment(datetime.now(UTC).timestamp(), time.monotonic()), None, {})
            ledger.load_head()  # the end as it is now: what is put from here on is not looked at
            yield ledger
    except QueueCorrupt as error:
        refuse(f"{path} is damaged, or no queue: {error.detail}. Keep the file; the terminal mends it when it starts")
    except QueueError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            raise error.__cause__ from None
        if "no such table" in error.detail or "no such column" in error.detail:
            refuse(
                f"{path} is not a queue of this version: {error.detail}. The terminal converts an older one at start"
            )
        refuse(f"{path} cannot be read: {error}")


def _folder(state: Path) -> Path:
    """Return the terminal's folder: the one named, or, of a demo, the one in it."""
    inner = state / DEMO_FOLDER
    return inner if not (state / QUEUE_FILE).exists() and (inner / QUEUE_FILE).exists() else state
