"""The simulated reader is held to the same vectors as the driver: it shares no code with it."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from devices.sim.photo_block import SimPhotoDecoder, encode_photo_block
from devices.sim.sdt_reader import SdtReaderMachine, SimCard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FRAMES = {
    frame["name"]: bytes.fromhex(frame["hex"])
    for frame in json.loads((Path(__file__).parent / "vectors/sdt-frames.json").read_text(encoding="utf-8"))["frames"]
}
LIMITED = SimCard.resident(
    name="李明测",
    sex="1",
    birth=date(1990, 3, 7),
    number="11000019900307001X",
    address="北京市东城区虚构路1号2单元303室",
    authority="北京市公安局虚构分局",
    valid_from=date(2020, 6, 1),
    valid_until=date(2040, 6, 1),
    photo=bytes(range(256)) * 4,
)


class Host:
    """Bytes out, bytes in: no driver, no codec."""

    def __init__(self, port: str) -> None:
        self._line = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._heard = asyncio.StreamReader()
        asyncio.get_running_loop().add_reader(self._line, lambda: self._heard.feed_data(os.read(self._line, 4096)))

    async def answers(self, request: bytes, reply: bytes) -> None:
        """Send a request and demand exactly this reply."""
        os.write(self._line, request)
        async with asyncio.timeout(3):
            assert (await self._heard.readexactly(len(reply))).hex() == reply.hex()

    async def says(self, request: str, reply: str) -> None:
        await self.answers(FRAMES[f"{request}.req"], FRAMES[reply])

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._line)
        os.close(self._line)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
    machine = SdtReaderMachine(tmp_path, radio_time_s=0.01)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
async def host(machine: SdtReaderMachine) -> AsyncIterator[Host]:
    host = Host(machine.port)
    yield host
    host.close()


async def test_whole_visit_of_a_card_goes_by_the_vectors(host: Host, machine: SdtReaderMachine) -> None:
    await host.says("status", "status.rsp.ok")
    await host.says("samid", "samid.rsp")
    await host.says("find", "find.rsp.none")
    machine.insert(LIMITED)
    await host.says("find", "find.rsp.found")
    await host.says("select", "select.rsp.ok")
    await host.says("read", "read.rsp.resident.limited")
    await host.says("append", "append.rsp.none")
    await host.says("find", "find.rsp.none")
    machine.lift()
    await host.says("append", "read.rsp.fail")
    machine.insert(LIMITED)
    await host.says("find", "find.rsp.found")


async def test_order_of_find_select_read_is_enforced(host: Host, machine: SdtReaderMachine) -> None:
    machine.insert(LIMITED)
    await host.says("read", "rsp.badcmd")
    await host.says("select", "rsp.badcmd")
    await host.says("find", "find.rsp.found")
    await host.says("read", "rsp.badcmd")
    await host.says("select", "rsp.badcmd")


async def test_card_lifted_between_the_commands_is_noticed(host: Host, machine: SdtReaderMachine) -> None:
    machine.insert(LIMITED)
    await host.says("find", "find.rsp.found")
    machine.lift()
    await host.says("select", "select.rsp.fail")
    machine.insert(LIMITED)
    await host.says("find", "find.rsp.found")
    await host.says("select", "select.rsp.ok")
    machine.lift_during_read()
    await host.says("read", "read.rsp.fail")
    assert machine.card is None


async def test_request_that_arrives_broken_is_refused(host: Host) -> None:
    find = bytearray(FRAMES["find.req"])
    find[-1] ^= 1
    await host.answers(bytes(find), FRAMES["rsp.badsum"])
    find[5] = 0x7F
    await host.answers(bytes(find[:7]), FRAMES["rsp.badlen"])
    await host.answers(bytes.fromhex("AAAAAA96690003550057")[:-1] + b"\x56", FRAMES["rsp.badcmd"])
    await host.says("find", "find.rsp.none")


async def test_faults_last_as_long_as_they_were_asked_for(host: Host, machine: SdtReaderMachine) -> None:
    machine.fault(0x60, "status", times=1)
    await host.says("status", "status.rsp.selftest")
    await host.says("status", "status.rsp.ok")
    machine.fault(0x66, "status")
    await host.says("status", "rsp.noauth")
    await host.says("status", "rsp.noauth")
    machine.fault(None, "status")
    await host.says("status", "status.rsp.ok")
    machine.insert(LIMITED)
    machine.corrupt(command="find")
    await host.says("find", "find.rsp.corrupt")
    with pytest.raises(ValueError, match="append"):
        machine.fault(0x60, "raed")


def far_end(machine: SdtReaderMachine) -> str:
    port = Path(machine.port)
    return str(port.readlink()) if port.is_symlink() else ""


async def test_path_of_the_line_outlives_its_cable(machine: SdtReaderMachine) -> None:
    assert far_end(machine).startswith("/dev/pts/")
    machine.unplug()
    machine.unplug()
    assert far_end(machine) == ""
    assert machine.state()["plugged"] is False
    machine.plug()
    machine.plug()
    assert machine.state() == {"plugged": True, "card": False, "silent": False, "asked": 0}
    host = Host(machine.port)
    await host.says("status", "status.rsp.ok")
    host.close()


def webp(quality: int = 20) -> bytes:
    picture = BytesIO()
    Image.radial_gradient("L").resize((102, 126)).convert("RGB").save(picture, "WEBP", quality=quality)
    return picture.getvalue()


def test_photo_of_a_simulated_card_comes_back_as_it_was() -> None:
    picture = webp()
    block = encode_photo_block(picture)
    assert len(block) == 1024
    assert SimPhotoDecoder().decode(block) == picture


@pytest.mark.parametrize(
    "block",
    [
        b"",
        bytes(1024),
        bytes(range(256)) * 4,
        encode_photo_block(webp())[:-1],
        b"RIFX" + encode_photo_block(webp())[4:],
        encode_photo_block(webp())[:-1] + b"\x01",
        b"RIFF\xff\xff\x00\x00WEBP" + bytes(1012),
        b"RIFF\x04\x00\x00\x00WAVE" + bytes(1012),
    ],
)
def test_block_that_is_no_such_photo_is_no_photo(block: bytes) -> None:
    assert SimPhotoDecoder().decode(block) is None


def test_picture_that_does_not_fit_a_card_is_refused() -> None:
    with pytest.raises(ValueError, match="1024"):
        encode_photo_block(webp(100))
    with pytest.raises(ValueError, match="WebP"):
        encode_photo_block(webp()[:-1])
