"""Goal: a chip card read through the driver costs at most 5 % over the raw exchanges of the same commands by pyscard.

One chip in software answers each command after 25 ms, behind a real ``pcscd``. What goes over the wire (GET RESPONSE
and repeated commands included) is worked out once; pyscard then sends these bytes and nothing else. Connecting and
letting go is in both times; each round measures both, in turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure import Ratio
from benchmarks.report import Verdict, at_most
from devices.chip import apdu, emv, piv
from devices.sim.emv_chip import EmvChip
from devices.sim.piv_chip import PivChip
from devices.sim.vpcd.service import READER_NAMES, VpcdService
from devices.sim.vpcd_card import T0Manners, T1Manners, VpcdSlot, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue
    from devices.drivers.pcsc_card_reader import PcscCardReader
    from devices.sim.vpcd_card import Chip

Exchange = tuple[bytes, bytes]  # a command and its answer

TODAY: Final = date(2026, 5, 1)
PACE_S: Final = 0.025  # a command
OVERHEAD: Final = 1.05
ROUNDS, QUICK_ROUNDS = 15, 5
SLOT: Final = 0


@dataclass(frozen=True, slots=True)
class Read:
    """One thing to read off one kind of card."""

    name: str
    chip: Chip
    dialogue: Callable[[], Dialogue[Any]]


def measure(*, quick: bool) -> list[Verdict]:
    """Measure in a process of its own: the PC/SC library remembers the first service it has spoken with for good."""
    command = [sys.executable, "-m", "benchmarks.devices.apdu", *(["--quick"] if quick else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return [Verdict(**each) for each in json.loads(done.stdout)]


def _measure(*, quick: bool) -> list[Verdict]:
    reads = (
        Read("bank card", EmvChip(), partial(emv.read_bank_card, TODAY)),
        Read("technician's certificate", PivChip.personalised(), piv.certificate),
    )
    service = VpcdService()
    try:
        service.start()
        os.environ["PCSCLITE_CSOCK_NAME"] = str(service.socket_path)
        slot = VpcdSlot(partial(service.connect, SLOT))
        try:
            rounds = QUICK_ROUNDS if quick else ROUNDS
            return [asyncio.run(_measure_read(read, wire, slot, rounds)) for read in reads for wire in Wire]
        finally:
            slot.remove()
    finally:
        service.close()


async def _measure_read(read: Read, wire: Wire, slot: VpcdSlot, rounds: int) -> Verdict:
    from devices.drivers.pcsc_card_reader import PcscCardReader  # noqa: PLC0415 - after the service's socket is named

    exchanges = _on_the_wire(read, wire)
    reader = PcscCardReader("benchmark", READER_NAMES[SLOT])
    await asyncio.to_thread(slot.insert, read.chip, wire)
    await reader.open()
    try:
        await reader.wait_card()
        slot.pace_s = PACE_S
        ratios = []
        for _ in range(rounds):
            raw = await asyncio.to_thread(_send_raw, exchanges, wire)
            ratios.append(await _read_once(reader, read) / raw)
    finally:
        slot.pace_s = 0.0
        await reader.close()
        await asyncio.to_thread(slot.remove)
    what = f"{read.name} over raw pyscard exchanges, {wire.name[0]}={wire.name[1]}, {len(exchanges)} commands"
    return at_most("D3", what, OVERHEAD, Ratio.of(ratios))


async def _read_once(reader: PcscCardReader, read: Read) -> float:
    began = time.perf_counter()
    await reader.converse(read.dialogue())
    return time.perf_counter() - began


def _on_the_wire(read: Read, wire: Wire) -> list[Exchange]:
    """Return the commands as the reader gets them, and the answers."""
    chip = (T0Manners if wire is Wire.T0 else T1Manners)(read.chip)
    exchanges: list[Exchange] = []

    def transmit(raw: bytes) -> bytes:
        exchanges.append((raw, chip.answer(raw)))
        return exchanges[-1][1]

    chip.reset()
    dialogue = read.dialogue()
    try:
        command = next(dialogue)
        while True:
            command = dialogue.send(apdu.exchange(command, t0=wire is Wire.T0, transmit=transmit))
    except StopIteration:
        return exchanges


def _send_raw(exchanges: list[Exchange], wire: Wire) -> float:
    """Send the same bytes by pyscard and return the seconds it took. Raises ``RuntimeError``: other answers came."""
    from smartcard.CardConnection import CardConnection  # noqa: PLC0415 - after the service's socket is named
    from smartcard.scard import SCARD_RESET_CARD  # noqa: PLC0415 - as above
    from smartcard.System import readers  # noqa: PLC0415 - as above

    reader = next(each for each in readers() if each.name == READER_NAMES[SLOT])
    asked = [list(command) for command, _ in exchanges]
    protocol = CardConnection.T0_protocol if wire is Wire.T0 else CardConnection.T1_protocol
    connection: Any = reader.createConnection()
    began = time.perf_counter()
    connection.connect(protocol, disposition=SCARD_RESET_CARD)
    answers = [connection.transmit(command) for command in asked]
    connection.disconnect()
    spent = time.perf_counter() - began
    connection.release()
    if [bytes((*data, *status)) for data, *status in answers] != [answer for _, answer in exchanges]:
        raise RuntimeError("a command was answered otherwise than through the driver")
    return spent


if __name__ == "__main__":
    found = _measure(quick="--quick" in sys.argv)
    sys.stdout.write(json.dumps([{name: getattr(each, name) for name in Verdict.__slots__} for each in found]))
