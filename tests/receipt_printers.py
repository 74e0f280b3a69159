"""A simulated receipt printer and what a person can do to it, for the tests over each of its wires."""

from __future__ import annotations

import itertools
import threading
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from devices.drivers.escpos_status import SAID
from devices.health import Condition
from devices.sim.escpos_machine import EscposLineMachine, EscposMachine
from devices.sim.escpos_sensors import Trouble
from devices.values import PrintJob, Slip, SlipText

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from devices.drivers.escpos_printer import EscposPrinter

M = TypeVar("M", EscposMachine, EscposLineMachine)

LINES = 12
SLOW_LINE_S = 0.12


TROUBLES = {
    Condition.PAPER_JAM: Trouble.JAM,
    Condition.CUTTER_ERROR: Trouble.CUTTER,
    Condition.HEAD_HOT: Trouble.HOT,
    Condition.UNRECOVERABLE: Trouble.BROKEN,
}
SPECIMEN = PrintJob("specimen", Slip(tuple(SlipText(f"第{line}行") for line in range(LINES))))


class SlipHands:
    """The contract's hands on the simulated machine, whatever wire leads to it."""

    said = conditions = SAID
    out_of_reach: Mapping[Condition, str] = MappingProxyType({})

    def __init__(self, machine: EscposMachine | EscposLineMachine) -> None:
        self.machine = machine
        self.unplug, self.plug = machine.unplug, machine.plug
        self._numbers = itertools.count(1)

    def new_job(self) -> PrintJob:
        title = f"job-{next(self._numbers)}"
        middle = (SlipText(f"{title} 第{line}行") for line in range(2, LINES))
        return PrintJob(title, Slip((SlipText(f"{title} 首行"), *middle, SlipText(f"{title} 末行"))))

    def copies(self, job: PrintJob) -> int:
        return sum(f"{job.title} 首行" in text and f"{job.title} 末行" in text for text in texts(self.machine))

    async def empty(self) -> None:
        self.machine.paper("out")

    async def let_paper_end(self) -> None:
        self.machine.paper_after(LINES // 2)

    async def load(self) -> None:
        self.machine.paper("ok")

    async def slow(self, on: bool) -> None:
        self.machine.pace(SLOW_LINE_S if on else 0)

    async def mute(self) -> None:
        self.machine.silent(True)

    async def unmute(self) -> None:
        self.machine.silent(False)

    async def provoke(self, condition: Condition) -> None:
        self._set(condition, on=True)

    async def clear(self, condition: Condition) -> None:
        self._set(condition, on=False)

    def _set(self, condition: Condition, *, on: bool) -> None:
        match condition:
            case Condition.PAPER_LOW:
                self.machine.paper("low" if on else "ok")
            case Condition.PAPER_OUT:
                self.machine.paper("out" if on else "ok")
            case Condition.COVER_OPEN:
                self.machine.cover(is_open=on)
            case Condition.NOT_ACCEPTING:
                self.machine.button(held=on)
            case Condition.OUTPUT_NEARLY_FULL:
                self.machine.ticket(there=on)
            case Condition.SILENT:
                self.machine.silent(on)
            case _:
                self.machine.trouble(TROUBLES[condition], on)


def texts(machine: EscposMachine | EscposLineMachine) -> list[str]:
    return [slip.with_suffix(".txt").read_text("utf-8") for slip in machine.slips]


@asynccontextmanager
async def switched_on(machine: M) -> AsyncIterator[M]:
    await machine.start()
    try:
        yield machine
    finally:
        await machine.stop()


@asynccontextmanager
async def let_go(device: EscposPrinter) -> AsyncIterator[EscposPrinter]:
    yield device
    await device.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "dev-receipt"]
