"""What can happen to a simulated world: one method for each action, named in one table.

The dock page, ``kioskctl world`` and the player reach these by name; the values are checked against the annotations.
"""

from __future__ import annotations

import enum
import inspect
from typing import TYPE_CHECKING, Any

import pydantic

from devices.sim.acts_cabinet import CabinetActs
from devices.sim.acts_cards import CardActs
from devices.sim.acts_paper import PaperActs
from devices.sim.acts_people import PeopleActs
from devices.sim.central_window import CentralSilent
from devices.sim.world import WorldRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.sim.link import LinkProxy
    from devices.sim.world import World

    Act = Callable[..., Awaitable[None]]


class LineActs:
    """The line to central, and central itself."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def line_cut(self) -> None:
        """Cut the line to central."""
        await self._line().cut()

    async def line_restore(self) -> None:
        """Repair the line to central."""
        await self._line().restore()

    async def line_slow(self, seconds: float) -> None:
        """Let every piece on the line wait."""
        await self._line().slow(seconds)

    async def line_mute(self) -> None:
        """Lose every answer of central."""
        await self._line().mute()

    async def central_faults(self, faults: dict[str, Any]) -> None:
        """Ask the simulated far side for trouble: a register down, a gateway that delivers no messages."""
        if self._world.central is None:
            raise WorldRefused("this world was started without central")
        await self._world.central.faults(faults)

    async def order_send(self) -> None:
        """Let central send the technician to this terminal, unless it has already."""
        await self._world.dispatch()

    def _line(self) -> LinkProxy:
        line = self._world.line
        if line is None:
            raise WorldRefused("this world was started without central: there is no line")
        return line


LINE_ACTIONS: Mapping[str, tuple[str, Act]] = {
    "line.cut": ("", LineActs.line_cut),
    "line.restore": ("", LineActs.line_restore),
    "line.slow": ("", LineActs.line_slow),
    "line.mute": ("", LineActs.line_mute),
    "central.faults": ("", LineActs.central_faults),
    "order.send": ("", LineActs.order_send),
}
GROUPS: Mapping[type, Mapping[str, tuple[str, Act]]] = {
    PeopleActs: PeopleActs.TABLE,
    PaperActs: PaperActs.TABLE,
    CardActs: CardActs.TABLE,
    CabinetActs: CabinetActs.TABLE,
    LineActs: LINE_ACTIONS,
}
"""Each action's name, the machine it needs (none: it looks itself), and its method."""
ACTIONS: Mapping[str, tuple[str, Act]] = {name: act for table in GROUPS.values() for name, act in table.items()}


class Actions:
    """The actions of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._table: dict[str, tuple[str, Act]] = {}
        for kind, table in GROUPS.items():
            hands = kind(world)
            for name, (machine, method) in table.items():
                self._table[name] = machine, pydantic.validate_call(getattr(hands, method.__name__))

    async def act(self, name: str, values: Mapping[str, object]) -> None:
        """Let something happen. Raises ``WorldRefused``, ``CentralSilent``."""
        if name not in self._table:
            raise WorldRefused(f"no action {name!r}; known are {', '.join(sorted(self._table))}")
        machine, act = self._table[name]
        if machine:
            self._world.need(machine)
        try:
            await act(**values)
        except pydantic.ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise WorldRefused(f"{name}: {wrong}") from None
        except CentralSilent:
            raise
        except OSError as error:
            raise WorldRefused(f"{name}: {error}") from error


def known_actions() -> dict[str, list[str]]:
    """Return every action with the names of its values."""
    return {name: list(inspect.signature(method).parameters)[1:] for name, (_, method) in ACTIONS.items()}


def choices() -> dict[str, dict[str, list[str]]]:
    """Return, for each action, the values that come from a closed set."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, (_, method) in ACTIONS.items():
        hints = inspect.get_annotations(method, eval_str=True)
        closed = {key: [str(one.value) for one in kind] for key, kind in hints.items() if _is_closed(kind)}
        if closed:
            found[name] = closed
    return found


def _is_closed(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)
