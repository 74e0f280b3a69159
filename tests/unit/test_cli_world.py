"""``kioskctl world``: what was changed is said, and what cannot be is refused with the world's own words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from devices.sim.dock import docked
from devices.sim.world import World
from kiosk.cli import app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from typer.testing import Result

    Say = Callable[..., Awaitable[Result]]

FACES = Path(__file__).parents[2] / "build" / "faces"


@pytest.fixture
async def say(tmp_path: Path) -> AsyncIterator[Say]:
    """Return what says a command to a world whose machines are not switched on: only their levers are needed."""
    world = World(tmp_path / "world", FACES, None)

    async def said(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["world", *words, "--state", str(tmp_path)])

    async with docked(world, tmp_path / "world" / "dock.json"):
        yield said


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (("cover", "slips"), "machines.slips.cover_open: false -> true"),
        (("cover", "slips", "open"), "machines.slips.cover_open: false -> true"),
        (("door",), "machines.board.sensors.door_open: false -> true"),
        (("mains", "off", "--battery", "12"), "machines.power.battery: 97 -> 12\nmachines.power.mains: true -> false"),
        (("jam", "slips"), 'machines.slips.troubles: [] -> ["jam"]'),
        (("empty", "slips"), 'machines.slips.paper: "ok" -> "out"'),
        (("low", "slips"), 'machines.slips.paper: "ok" -> "low"'),
        (("pull", "scanner"), "nothing to see has changed|machines.scanner.plugged: true -> false"),
        (("freeze",), "machines.camera.frozen|nothing to see has changed"),
    ],
)
async def test_what_changed_is_said(say: Say, words: tuple[str, ...], heard: str) -> None:
    result = await say(*words)
    assert result.exit_code == 0, result.output
    assert any(each in result.output for each in heard.split("|")), result.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("insert", "p99"), "no card 'p99'; known are p1"),
        (("insert", "technician"), "chip.insert: the card reader is not switched on"),
        (("lift",), "no card lies anywhere"),
        (("offer", "bank"), "the slot is shut"),
        (("take",), "no card is held out"),
        (("jam", "coffee"), "nothing jams at 'coffee'; known are sheets, slips, slot"),
        (("press", "1", "f12"), "no key f12; known are 1"),
        (("lay", "cake"), "nothing is called 'cake'"),
        (("mains", "on", "--battery", "140"), "less than or equal to 100"),
        (("line", "cut"), "started without central"),
        (("order",), "started without central"),
        (("act", "slot.explode"), "no action 'slot.explode'"),
    ],
)
async def test_what_cannot_be_is_refused_with_status_1(say: Say, words: tuple[str, ...], why: str) -> None:
    result = await say(*words)
    assert result.exit_code == 1, result.output
    assert why in result.output


async def test_without_a_world_the_way_to_start_one_is_told(tmp_path: Path) -> None:
    result = await asyncio.to_thread(CliRunner().invoke, app, ["world", "state", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "start it with `make run`" in result.output
