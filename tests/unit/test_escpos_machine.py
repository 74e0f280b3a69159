"""The simulated receipt printer, spoken to byte by byte from the manual: it must not be a mirror of our driver."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import cv2
import pytest
from PIL import Image

from devices.sim.escpos_machine import EscposMachine
from devices.sim.escpos_mechanism import BUFFER
from devices.testing.device import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CUT = bytes.fromhex("1d5600")
MARK = bytes.fromhex("1d7201")


class Cable:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def hear(self, length: int) -> str:
        async with asyncio.timeout(15):
            return (await self._reader.readexactly(length)).hex()

    async def ask(self, question: str) -> str:
        self.send(bytes.fromhex(question))
        return await self.hear(1)


@asynccontextmanager
async def connected(machine: EscposMachine) -> AsyncIterator[Cable]:
    reader, writer = await asyncio.open_connection(machine.host, machine.port)
    try:
        yield Cable(reader, writer)
    finally:
        writer.transport.abort()
        # The far end has to notice, or the next connection finds it taken.
        await until(lambda: not machine.connected)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[EscposMachine]:
    machine = EscposMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()


def words(machine: EscposMachine, slip: int = 0) -> list[str]:
    return machine.slips[slip].with_suffix(".txt").read_text("utf-8").split("\n")


async def test_idle_printer_answers_the_manuals_bytes(machine: EscposMachine) -> None:
    async with connected(machine) as cable:
        assert [await cable.ask(f"1004{n:02x}") for n in (1, 2, 3, 4)] == ["12"] * 4
        machine.paper("low")
        assert await cable.ask("100404") == "1e"
        machine.paper("out")
        assert [await cable.ask(f"1004{n:02x}") for n in (1, 2, 4)] == ["1a", "32", "7e"]
        machine.paper("ok")
        machine.cover(True)
        assert await cable.ask("100402") == "16"


async def test_question_inside_picture_data_is_answered_at_once_and_stays_data(machine: EscposMachine) -> None:
    async with connected(machine) as cable:
        cable.send(bytes.fromhex("1d76300001000300") + b"\x10\x04")  # the third byte of the picture is missing
        cable.send(b"\x01")
        assert await cable.hear(1) == "12"
        cable.send(CUT + MARK)
        assert await cable.hear(1) == "00"
    assert words(machine)[0] == "[picture 8x3]"


async def test_marker_waits_behind_what_cannot_be_printed(machine: EscposMachine) -> None:
    async with connected(machine) as cable:
        machine.paper_after(0)
        cable.send(b"A\n" + MARK)
        await until(lambda: machine.waiting)
        assert await cable.ask("100401") == "3a"  # offline, waiting to be told
        machine.paper("low")
        cable.send(bytes.fromhex("100501"))
        assert await cable.hear(1) == "03"  # the marker: printed now, paper near its end


async def test_buffer_is_dropped_on_request_and_nothing_of_it_is_printed(machine: EscposMachine) -> None:
    async with connected(machine) as cable:
        machine.paper_after(0)
        cable.send(b"A\n" + CUT)
        await until(lambda: machine.waiting)
        cable.send(bytes.fromhex("100502"))
        machine.paper("ok")
        cable.send(b"B\n" + CUT + MARK)
        await cable.hear(1)
    assert len(machine.slips) == 1
    assert words(machine)[0] == "B"


async def test_full_buffer_lets_no_question_through(machine: EscposMachine) -> None:
    """This is why the driver sends small blocks: a printer that is out of paper and full cannot say so."""
    async with connected(machine) as cable:
        machine.paper("out")
        cable.send(b"x" * 2 * BUFFER + bytes.fromhex("100404"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await cable.hear(1)
        machine.paper("ok")
        assert await cable.hear(1) == "12"


async def test_automatic_status_comes_at_once_and_with_each_change(machine: EscposMachine) -> None:
    async with connected(machine) as cable:
        cable.send(bytes.fromhex("1d61ff"))
        assert await cable.hear(4) == "10000000"
        machine.cover(True)
        assert await cable.hear(4) == "38000000"
        machine.cover(False)
        assert await cable.hear(4) == "10000000"
        machine.paper("out")
        assert await cable.hear(4) == "18000f00"


async def test_rare_name_sent_as_text_prints_wrong_as_on_real_machines(machine: EscposMachine) -> None:
    async with connected(machine) as cable:
        cable.send(bytes.fromhex("1c26") + "张㛃".encode("gb18030") + b"\n" + b"\x1c." + "é".encode("cp437") + b"\n")
        cable.send(CUT + MARK)
        await cable.hear(1)
    assert words(machine)[:2] == ["张□□", "é"]


async def test_character_split_between_packets_is_whole(machine: EscposMachine) -> None:
    async with connected(machine) as cable:
        first, second = "居".encode("gb18030")
        cable.send(b"\x1c&" + bytes([first]))
        await until(lambda: machine.holds(bytes([first])))
        cable.send(bytes([second]) + b"\n" + CUT + MARK)
        await cable.hear(1)
    assert words(machine)[0] == "居"


async def test_code_on_the_slip_can_be_read_by_a_phone(machine: EscposMachine) -> None:
    payload = "https://example.cn/q?id=TB-1"
    body = payload.encode()
    async with connected(machine) as cable:
        cable.send(bytes.fromhex("1d286b0300314306" + "1d286b0300314531"))
        cable.send(bytes.fromhex("1d286b") + (len(body) + 3).to_bytes(2, "little") + b"1P0" + body)
        cable.send(bytes.fromhex("1d286b0300315130") + CUT + MARK)
        await cable.hear(1)
    with Image.open(machine.slips[0]) as slip:
        assert slip.width == 576
    read, *_ = cv2.QRCodeDetector().detectAndDecode(cv2.imread(str(machine.slips[0])))
    assert read == payload


async def test_power_cut_loses_the_buffer_and_keeps_the_paper(machine: EscposMachine) -> None:
    port = machine.port
    async with connected(machine) as cable:
        cable.send(b"A\n" + MARK)
        await cable.hear(1)
        machine.paper("out")
        cable.send(b"lost\n")
        await until(lambda: machine.holds(b"lost"))
        await machine.unplug()
    machine.paper("ok")
    await machine.plug()
    assert machine.port == port
    async with connected(machine) as cable:
        cable.send(b"B\n" + CUT + MARK)
        await cable.hear(1)
    assert words(machine)[:2] == ["A", "B"]
