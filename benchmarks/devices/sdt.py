"""An identity card read through the driver, beside the time its bytes need on the wire.

The wire time is what no driver can beat: ten bits a byte at 115200 baud, of both commands and both replies, and what
the module says it needs for the radio. The line is a pseudo-terminal paced to that, the module a simulated one, in a
process of its own, so that the host's work and the module's do not wait for one another.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import selectors
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Ratio
from benchmarks.report import Verdict, at_most
from devices.drivers.sdt_id_reader import SdtIdReader
from devices.sim.sdt_reader import DEFAULT_BAUD, SdtReaderMachine, SimCard

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WANTED: Final = 1.05
ROUNDS: Final = 40
QUICK_ROUNDS: Final = 10
BITS_A_BYTE: Final = 10
# Bytes of select and read: each command 10, the replies 19 and 1295 (tests/unit/vectors/sdt-frames.json).
BYTES: Final = 10 + 19 + 10 + 1295
RADIO_S: Final = (0.0, 0.2)  # nothing but the line; and the least a module needs for a card
CARD: Final = SimCard.resident(
    name="测试",
    sex="1",
    birth=date(1990, 3, 7),
    number="999999199003070012",
    valid_from=date(2020, 6, 1),
    valid_until=None,
)


def measure(*, quick: bool) -> list[Verdict]:
    """Read a card again and again; one verdict for each time a module may need."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    return [
        at_most(
            "D1",
            f"SDT read through the driver, over its wire time (module {round(radio_s * 1000)} ms)",
            WANTED,
            _reads(radio_s, rounds),
        )
        for radio_s in RADIO_S
    ]


def _reads(radio_s: float, rounds: int) -> Ratio:
    wire_s = BYTES * BITS_A_BYTE / DEFAULT_BAUD + radio_s
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        # Spawned, not forked: a fork would copy locks that threads of this process hold.
        machine = multiprocessing.get_context("spawn").Process(target=_play, args=(there, folder, radio_s))
        machine.start()
        try:
            return Ratio.of([spent / wire_s for spent in asyncio.run(_read_again(here.recv(), rounds))])
        finally:
            here.send(None)
            machine.join()


async def _read_again(port: str, rounds: int) -> list[float]:
    device = SdtIdReader("id_reader", port)
    await device.open()
    spent = []
    try:
        for _ in range(rounds):
            await device.wait_card()  # at once: the card lies there, and this module finds it again
            begin = time.perf_counter()
            (await device.read()).wipe()
            spent.append(time.perf_counter() - begin)
    finally:
        await device.close()
    return spent


def _play(line: Connection, folder: str, radio_s: float) -> None:
    """Be the module, in its own process, until told to stop."""

    async def play() -> None:
        machine = SdtReaderMachine(Path(folder), lift_rule=False, radio_time_s=radio_s)
        await machine.start()
        machine.insert(CARD)
        line.send(machine.port)
        told = asyncio.Event()
        asyncio.get_running_loop().add_reader(line.fileno(), told.set)
        await told.wait()
        await machine.stop()

    # epoll counts in milliseconds, and a module does not: select's time-outs are as fine as the clock.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(play())


if __name__ == "__main__":
    for verdict in measure(quick=True):
        print(verdict)
