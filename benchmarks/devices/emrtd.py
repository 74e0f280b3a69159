"""Goal: reading a travel document costs at most 5 % over the raw exchanges of the very same commands by pyscard.

One chip in software answers each command after 25 ms, as chips in the field do, behind a real ``pcscd``. A reading by
the driver is recorded; then pyscard sends the recorded bytes, and nothing else, to the same chip, which draws the same
random numbers again and so accepts them. Connecting and letting go is in both times.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from benchmarks.measure import Ratio, short
from benchmarks.report import Verdict, at_most
from devices.chip.emrtd import MrzKey, TrustAnchors, read_travel_document
from devices.sim.emrtd_chip import EmrtdChip
from devices.sim.emrtd_issuer import Issuer
from devices.sim.emrtd_pace import PaceProfile
from devices.sim.emrtd_traveller import Traveller, files_of
from devices.sim.vpcd.service import READER_NAMES, VpcdService
from devices.sim.vpcd_card import VpcdSlot

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue
    from devices.chip.emrtd import TravelDocument
    from devices.drivers.pcsc_card_reader import PcscCardReader

Exchange = tuple[bytes, bytes]  # a command and its answer

TODAY: Final = date(2026, 11, 21)
PACE_S: Final = 0.025  # a command: what contactless chips take for one block under secure messaging
OVERHEAD: Final = 1.05
PICTURE: Final = 20 * 1024  # bytes
SEED: Final = 9303
SLOT: Final = 0
COMPUTED: Final = 15  # readings without a wire, for the time of our own computing


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read: how the chip is opened and how much it says at a time."""

    name: str
    pace: PaceProfile | None
    largest: int


WAYS: Final = (
    Way("BAC, blocks of 231 bytes", None, 256),
    Way("PACE with AES-128, blocks of 223 bytes", PaceProfile(), 256),
    Way("PACE with AES-128, extended length of 4000 bytes", PaceProfile(), 4000),
)


class Document:
    """The traveller's document, made once, as a chip that answers the same each time it is put in."""

    def __init__(self, way: Way) -> None:
        traveller, issuer = Traveller(), Issuer(TODAY)
        files = files_of(traveller, _picture(), issuer)
        self.chip = EmrtdChip(files, traveller.key(), pace=way.pace, largest_answer=way.largest)
        self._key = MrzKey.of(traveller.number, traveller.birth, traveller.expiry)
        self._anchors = TrustAnchors.of(issuer.anchor)

    def begin(self) -> Dialogue[TravelDocument]:
        """Return a reading whose random numbers, and the chip's, are those of every other."""
        self.chip.random = _same_again()
        return read_travel_document(self._key, self._anchors, today=TODAY, random=_same_again())


def measure(*, quick: bool) -> list[Verdict]:
    """Measure in a process of its own: the PC/SC library remembers the first service it has spoken with for good."""
    command = [sys.executable, "-m", "benchmarks.devices.emrtd", *(["--quick"] if quick else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return [Verdict(**each) for each in json.loads(done.stdout)]


def _measure(*, quick: bool) -> list[Verdict]:
    service = VpcdService()
    try:
        service.start()
        os.environ["PCSCLITE_CSOCK_NAME"] = str(service.socket_path)
        slot = VpcdSlot(partial(service.connect, SLOT))
        try:
            return [verdict for way in WAYS for verdict in asyncio.run(_measure_way(way, slot, 2 if quick else 8))]
        finally:
            slot.remove()
    finally:
        service.close()


async def _measure_way(way: Way, slot: VpcdSlot, rounds: int) -> list[Verdict]:
    from devices.drivers.pcsc_card_reader import PcscCardReader  # noqa: PLC0415 - after the service's socket is named

    document = Document(way)
    reader = PcscCardReader("benchmark", READER_NAMES[SLOT], contactless=True)
    await asyncio.to_thread(slot.insert, document.chip)
    await reader.open()
    try:
        await reader.wait_card()
        exchanges = await _record(reader, document)
        slot.pace_s = PACE_S
        ratios, readings = [], []
        for number in range(rounds):
            if number % 2:  # each goes first as often as the other
                readings.append(await _read(reader, document))
            raw = await asyncio.to_thread(_send_again, document, exchanges)
            if not number % 2:
                readings.append(await _read(reader, document))
            ratios.append(readings[-1] / raw)
    finally:
        slot.pace_s = 0.0
        await reader.close()
        await asyncio.to_thread(slot.remove)
    found = at_most("D3", f"eMRTD read over raw pyscard exchanges: {way.name}", OVERHEAD, Ratio.of(ratios))
    told = f"{len(exchanges)} commands, {statistics.median(readings):.2f} s with a face of 20 KiB"
    computed = f"{short(_compute(document, COMPUTED) / len(exchanges) * 1e6)} µs a command"
    return [found, Verdict("D3", f"eMRTD: {way.name}", "told only", f"{told}; our computing {computed}", met=True)]


async def _read(reader: PcscCardReader, document: Document) -> float:
    began = time.perf_counter()
    await reader.converse(document.begin())
    return time.perf_counter() - began


async def _record(reader: PcscCardReader, document: Document) -> list[Exchange]:
    exchanges: list[Exchange] = []
    await reader.converse(_recorded(document.begin(), exchanges))
    return exchanges


def _recorded(dialogue: Dialogue[TravelDocument], exchanges: list[Exchange]) -> Dialogue[TravelDocument]:
    command = next(dialogue)
    while True:
        answer = yield command
        exchanges.append((command, answer))
        try:
            command = dialogue.send(answer)
        except StopIteration as end:
            found: TravelDocument = end.value
            return found


def _send_again(document: Document, exchanges: list[Exchange]) -> float:
    """Send the same bytes by pyscard and return the seconds it took. Raises ``RuntimeError``: other answers came."""
    from smartcard.CardConnection import CardConnection  # noqa: PLC0415 - after the service's socket is named
    from smartcard.scard import SCARD_RESET_CARD  # noqa: PLC0415 - as above
    from smartcard.System import readers  # noqa: PLC0415 - as above

    document.begin().close()
    reader = next(each for each in readers() if each.name == READER_NAMES[SLOT])
    asked = [list(command) for command, _ in exchanges]
    connection: Any = reader.createConnection()
    began = time.perf_counter()
    connection.connect(CardConnection.T1_protocol, disposition=SCARD_RESET_CARD)
    answers = [connection.transmit(command) for command in asked]
    connection.disconnect()
    spent = time.perf_counter() - began
    connection.release()
    for at, ((data, *status), (_, recorded)) in enumerate(zip(answers, exchanges, strict=True)):
        if bytes((*data, *status)) != recorded:
            raise RuntimeError(f"command {at} was answered otherwise than when it was recorded")
    return spent


def _compute(document: Document, rounds: int) -> float:
    """Return the median of the seconds that our own side computes in one reading, judgement included."""
    spent = []
    for _ in range(rounds):
        document.chip.reset()
        dialogue, ours = document.begin(), 0.0
        answer: Callable[[], bytes] = partial(next, dialogue)
        while True:
            began = time.perf_counter()
            try:
                command = answer()
            except StopIteration:
                ours += time.perf_counter() - began
                break
            ours += time.perf_counter() - began
            answer = partial(dialogue.send, document.chip.answer(command))
        spent.append(ours)
    return statistics.median(spent)


def _same_again() -> Callable[[int], bytes]:
    return random.Random(SEED).randbytes  # noqa: S311 - a reading that can be sent again, no secret


def _picture() -> bytes:
    """Return a JPEG of exactly ``PICTURE`` bytes: noise, and filler behind its end as some issuers leave it."""
    side = 120
    made = io.BytesIO()
    Image.frombytes("L", (side, side), random.Random(SEED).randbytes(side * side)).save(made, "JPEG")  # noqa: S311 - a picture
    return made.getvalue().ljust(PICTURE, b"\0")


if __name__ == "__main__":
    found = _measure(quick="--quick" in sys.argv)
    sys.stdout.write(json.dumps([{name: getattr(each, name) for name in Verdict.__slots__} for each in found]))
