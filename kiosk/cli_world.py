"""``kioskctl world``: moves the simulated world of a running demo, as its control page (the dock) does."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from devices.sim.dock_client import DockClient, DockError
from kiosk.cli_places import EXIT_REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEMO_STATE: Final = Path(__file__).parent.parent / "build" / "demo"
ADDRESS: Final = Path("world") / "dock.json"  # below the folder of a demo

app = typer.Typer(no_args_is_help=True, help="Move the simulated world of a running demo.")


class Printer(enum.StrEnum):
    """Which printer is meant."""

    SHEETS = "sheets"
    SLIPS = "slips"


class Line(enum.StrEnum):
    """What can be done to the line."""

    CUT = "cut"
    RESTORE = "restore"
    MUTE = "mute"


class Machine(enum.StrEnum):
    """What has a cable that can be pulled."""

    READER = "reader"
    CAMERA = "camera"
    SHEETS = "sheets"
    SLIPS = "slips"
    CHIP = "chip"
    SLOT = "slot"
    GLASS = "glass"
    SCANNER = "scanner"
    PAD = "pad"
    BOARD = "board"
    POWER = "power"


class Turn(enum.StrEnum):
    """Open or shut; on or off."""

    OPEN = "open"
    SHUT = "shut"
    ON = "on"
    OFF = "off"

    @property
    def yes(self) -> bool:
        """Tell whether it is the one that says yes."""
        return self in {Turn.OPEN, Turn.ON}


Turned = Annotated[Turn, typer.Argument()]
State = Annotated[Path, typer.Option(help="folder of the running demo", show_default=False)]


class Dock:
    """The dock of one demo, for one command: what it refuses ends the command with its words and status 1."""

    def __init__(self, folder: Path) -> None:
        try:
            self._client = DockClient.from_file(folder / ADDRESS)
        except DockError as error:
            _refuse(str(error))

    def ask(self, what: Callable[[DockClient], dict[str, Any]]) -> dict[str, Any]:
        """Return what the dock answers."""
        try:
            return what(self._client)
        except DockError as error:
            _refuse(str(error))

    def act(self, action: str, **values: object) -> None:
        """Let something happen and say what is different afterwards."""
        before = self.ask(DockClient.state)
        after = self.ask(lambda client: client.act(action, **values))
        for line in list(_differences(before, after)) or ["done; nothing to see has changed"]:
            typer.echo(line)


def _refuse(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(EXIT_REFUSED)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Yield one line for each value that is not as it was."""
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{at}{key}.")
        elif old != new:
            yield f"{at}{key}: {json.dumps(old, ensure_ascii=False)} -> {json.dumps(new, ensure_ascii=False)}"


def _show(answer: Mapping[str, object]) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


@app.command()
def state(state: State = DEMO_STATE) -> None:
    """Show everything there is to see."""
    _show(Dock(state).ask(DockClient.state))


@app.command()
def people(state: State = DEMO_STATE) -> None:
    """Show the people, the faces, the chip cards and every action with its values."""
    _show(Dock(state).ask(DockClient.people))


@app.command()
def insert(card: str, lifted_during_read: bool = False, state: State = DEMO_STATE) -> None:
    """Lay a person's identity card on the reader (p1), or put a chip card into its reader (technician)."""
    dock = Dock(state)
    known = dock.ask(DockClient.people)
    people = [person["key"] for person in known["people"]]
    chips = [chip["key"] for chip in known["cards"]]
    if card.lower() in people:
        dock.act("card.insert", card=card, lifted="during_read" if lifted_during_read else "never")
    elif card.lower() in chips:
        dock.act("chip.insert", card=card.lower(), **({"pulled_at": 3} if lifted_during_read else {}))
    else:
        _refuse(f"no card {card!r}; known are {', '.join([*people, *chips])}")


@app.command()
def lift(state: State = DEMO_STATE) -> None:
    """Take the cards away, from the identity card reader and from the chip card reader."""
    dock = Dock(state)
    seen = dock.ask(DockClient.state)
    slots = [int(slot) for slot, card in seen["machines"].get("chip", {}).get("cards", {}).items() if card]
    for slot in slots:
        dock.act("chip.pull", slot=slot)
    if seen["card"]:
        dock.act("card.lift")
    if not slots and not seen["card"]:
        _refuse("no card lies anywhere")


@app.command()
def offer(card: str, state: State = DEMO_STATE) -> None:
    """Push a card (or ``paper``) into the motorised slot while it is open."""
    Dock(state).act("slot.offer", card=card)


@app.command()
def take(state: State = DEMO_STATE) -> None:
    """Take the card that the motorised slot holds out."""
    Dock(state).act("slot.take")


@app.command()
def face(who: str, state: State = DEMO_STATE) -> None:
    """Put a person before the camera, or ``nobody``."""
    Dock(state).act("face.show", face=who)


@app.command()
def freeze(off: bool = False, state: State = DEMO_STATE) -> None:
    """Let the camera's picture stand still; with --off, move again."""
    Dock(state).act("camera.freeze", on=not off)


@app.command()
def jam(
    what: Annotated[str, typer.Argument(help="sheets, slips or slot")] = "sheets",
    off: bool = False,
    state: State = DEMO_STATE,
) -> None:
    """Let the next sheet, slip or card get stuck; with --off, free it."""
    acts: dict[str, tuple[str, dict[str, object]]] = {
        "sheets": ("paper.jam", {}),
        "slips": ("slips.trouble", {"what": "jam"}),
        "slot": ("slot.jam", {}),
    }
    if what not in acts:
        _refuse(f"nothing jams at {what!r}; known are {', '.join(acts)}")
    action, values = acts[what]
    Dock(state).act(action, **values, on=not off)


@app.command("empty")
def empty(printer: Printer, state: State = DEMO_STATE) -> None:
    """Take a printer's paper away."""
    Dock(state).act("paper.out", printer=printer.value)


@app.command()
def low(printer: Printer, state: State = DEMO_STATE) -> None:
    """Leave a printer a little paper."""
    Dock(state).act("paper.low", printer=printer.value)


@app.command()
def refill(printer: Printer, state: State = DEMO_STATE) -> None:
    """Put paper into a printer."""
    Dock(state).act("paper.refill", printer=printer.value)


@app.command()
def cover(printer: Printer, turn: Turned = Turn.OPEN, state: State = DEMO_STATE) -> None:
    """Open a printer's cover, or shut it."""
    Dock(state).act("cover", printer=printer.value, open=turn.yes)


@app.command()
def pull(machine: Machine, state: State = DEMO_STATE) -> None:
    """Pull a machine's cable."""
    _cable(machine, "unplug", state)


@app.command()
def plug(machine: Machine, state: State = DEMO_STATE) -> None:
    """Put a machine's cable back."""
    _cable(machine, "plug", state)


def _cable(machine: Machine, what: str, state: Path) -> None:
    if machine in {Machine.SHEETS, Machine.SLIPS}:
        Dock(state).act(f"printer.{what}", printer=machine.value)
    else:
        Dock(state).act(f"{machine.value}.{what}")


@app.command()
def door(turn: Turned = Turn.OPEN, state: State = DEMO_STATE) -> None:
    """Open the cabinet's door, or shut it."""
    Dock(state).act("sensor", sensor="door_open", on=turn.yes)


@app.command()
def mains(
    turn: Turn, battery: Annotated[int | None, typer.Option(help="percent left")] = None, state: State = DEMO_STATE
) -> None:
    """Cut the mains (off), or restore it (on)."""
    dock = Dock(state)
    if battery is not None:
        dock.act("power.battery", percent=battery)
    dock.act("power.mains", on=turn.yes)


@app.command("show-code")
def show_code(text: str, state: State = DEMO_STATE) -> None:
    """Hold a bar code or QR code with this content before the scanner."""
    Dock(state).act("scanner.show", text=text)


@app.command()
def press(keys: list[str], state: State = DEMO_STATE) -> None:
    """Press keys of the number pad: digits, and others by name, such as: press 123456 enter."""
    Dock(state).act("pad.press", keys=" ".join(keys))


@app.command()
def lay(what: str, state: State = DEMO_STATE) -> None:
    """Lay something on the document camera's glass, or ``nothing``."""
    Dock(state).act("glass.lay", what=what)


@app.command()
def line(what: Line, state: State = DEMO_STATE) -> None:
    """Cut or restore the line to central, or lose every answer on it."""
    Dock(state).act(f"line.{what.value}")


@app.command()
def order(state: State = DEMO_STATE) -> None:
    """Let central send the technician to this terminal, unless it has already; heard within five minutes."""
    Dock(state).act("order.send")


@app.command()
def act(action: str, values: Annotated[list[str] | None, typer.Argument()] = None, state: State = DEMO_STATE) -> None:
    """Do anything ``people`` lists, for example: act camera.black on=true."""
    given: dict[str, object] = {}
    for value in values or []:
        name, equals, what = value.partition("=")
        if not equals:
            raise typer.BadParameter(f"expected name=value, found {value!r}")
        given[name] = what
    Dock(state).act(action, **given)
