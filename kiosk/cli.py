"""``kioskctl``: the terminal's command line for people who look after it. ``kioskctl world`` moves a demo's world.

The other commands are in modules of their own: ``cli_queue.py``, ``cli_audit.py``, ``cli_slip.py``.
"""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devices.sim.dock_client import DockClient, DockError
from kiosk import cli_audit, cli_devices, cli_doctor, cli_queue, cli_slip
from kiosk.cli_places import EXIT_REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEMO_STATE = Path(__file__).parent.parent / "build" / "demo"

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look after a terminal.")
world = typer.Typer(no_args_is_help=True, help="Move the simulated world of a running demo.")
app.add_typer(world, name="world")
app.add_typer(cli_queue.app, name="queue")
app.add_typer(cli_audit.app, name="audit")
app.add_typer(cli_slip.app, name="slip")
app.add_typer(cli_devices.app, name="devices")
app.command()(cli_doctor.doctor)


class Printer(enum.StrEnum):
    """Which printer is meant."""

    SHEETS = "sheets"
    SLIPS = "slips"


class Line(enum.StrEnum):
    """What can be done to the line."""

    CUT = "cut"
    RESTORE = "restore"
    MUTE = "mute"


State = Annotated[Path, typer.Option(help="folder of the running demo", show_default=False)]


def _dock(state: Path) -> DockClient:
    return DockClient.from_file(state / "world" / "dock.json")


def _tell(ask: Callable[[], Mapping[str, object]]) -> None:
    """Print what the dock answers; end with status 1 and its words when it refuses."""
    try:
        answer = ask()
    except DockError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_REFUSED) from None
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


@world.command()
def state(state: State = DEMO_STATE) -> None:
    """Show everything there is to see."""
    _tell(lambda: _dock(state).state())


@world.command()
def people(state: State = DEMO_STATE) -> None:
    """Show the people, the faces and every action."""
    _tell(lambda: _dock(state).people())


@world.command()
def insert(card: str, lifted_during_read: bool = False, state: State = DEMO_STATE) -> None:
    """Lay the card of a person on the reader."""
    lifted = "during_read" if lifted_during_read else "never"
    _tell(lambda: _dock(state).act("card.insert", card=card, lifted=lifted))


@world.command()
def lift(state: State = DEMO_STATE) -> None:
    """Take the card away."""
    _tell(lambda: _dock(state).act("card.lift"))


@world.command()
def face(who: str, state: State = DEMO_STATE) -> None:
    """Put a person before the camera, or ``nobody``."""
    _tell(lambda: _dock(state).act("face.show", face=who))


@world.command("paper-out")
def paper_out(printer: Printer, state: State = DEMO_STATE) -> None:
    """Take a printer's paper away."""
    _tell(lambda: _dock(state).act("paper.out", printer=printer.value))


@world.command()
def refill(printer: Printer, state: State = DEMO_STATE) -> None:
    """Put paper into a printer."""
    _tell(lambda: _dock(state).act("paper.refill", printer=printer.value))


@world.command()
def line(what: Line, state: State = DEMO_STATE) -> None:
    """Cut or restore the line to central, or lose every answer on it."""
    _tell(lambda: _dock(state).act(f"line.{what.value}"))


@world.command()
def act(action: str, values: Annotated[list[str] | None, typer.Argument()] = None, state: State = DEMO_STATE) -> None:
    """Do anything ``people`` lists, for example: act camera.black on=true."""
    given: dict[str, object] = {}
    for value in values or []:
        name, equals, what = value.partition("=")
        if not equals:
            raise typer.BadParameter(f"expected name=value, found {value!r}")
        given[name] = what
    _tell(lambda: _dock(state).act(action, **given))


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
