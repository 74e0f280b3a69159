"""The watch for technicians' cards sees every card that is laid down; what ran out stays so when the clock is set."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

from kiosk.clock import ManualClock
from kiosk.maintenance.access import Technician
from kiosk.maintenance.orders import Role
from kiosk.maintenance.proof import WRITE_S, Proofs, read_record
from kiosk.maintenance.watch import SLICE_S, Watch
from tests.unit.technicians import Operator, TechnicianReader

TECHNICIAN = Technician("T-0042", Role.TECHNICIAN, "1")


class Devices:
    """One reader, lent to whoever asks."""

    def __init__(self, reader):
        self.reader = reader

    @asynccontextmanager
    async def lease(self, _):
        yield self.reader


async def test_a_card_laid_down_at_the_end_of_a_slice_is_announced_all_the_same():
    """Its reading was cut off with the slice, and the reader tells of a card only once: it had to be laid anew."""
    clock, reader = ManualClock(), TechnicianReader()

    async def announced(_):
        await clock.sleep(0.6)  # as long as a real card needs
        return TECHNICIAN

    watch = Watch(SimpleNamespace(clock=clock, devices=Devices(reader)), None, None)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        looking = group.create_task(watch._look_for_card(SimpleNamespace(announced=announced)))
        await clock.advance(SLICE_S - 0.1)
        reader.lay(Operator().card())
        await clock.advance(0.0)
        await clock.advance(1.0)
    assert looking.result() == TECHNICIAN


async def test_a_clock_set_back_after_a_quiet_night_does_not_bring_an_order_back(tmp_path):
    """The latest moment known to have been was written with events alone, and at night there are none."""
    clock = ManualClock()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        watching = group.create_task(Proofs(tmp_path, clock).run())
        await clock.advance(8 * 3600)
        morning = clock.now()
        while read_record(tmp_path).seen < morning.isoformat(timespec="seconds"):  # written by a thread of its own
            await clock.advance(WRITE_S)
            await asyncio.sleep(0.001)
        watching.cancel()
    clock.jump(-7 * 3600)
    assert Proofs(tmp_path, clock).now() >= morning
