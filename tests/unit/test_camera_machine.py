"""The simulated camera: what goes wrong with it must look on the wire as it would with a real one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from devices.sim.camera_machine import CameraMachine
from devices.sim.faces import FacesMissing
from devices.sim.mjpeg import BOUNDARY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE_S = 10.0


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[CameraMachine]:
    machine = CameraMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()


class Client:
    """One stream, read picture by picture."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str) -> Client:
        at = urlsplit(url)
        client = cls(*await asyncio.open_connection(at.hostname, at.port))
        client._writer.write(f"GET {at.path} HTTP/1.1\r\nHost: camera\r\n\r\n".encode())
        return client

    async def line(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.readline()

    async def picture(self) -> bytes:
        """Return the next picture. Raises ``EOFError`` when the stream breaks off."""
        async with asyncio.timeout(PATIENCE_S):
            await self._reader.readuntil(f"--{BOUNDARY}\r\n".encode())
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            return await self._reader.readexactly(length)

    async def watch(self, seconds: float) -> None:
        """Read pictures. Raises ``TimeoutError`` at the end of the time, ``EOFError`` at the end of the stream."""
        async with asyncio.timeout(seconds):
            while True:
                await self.picture()

    async def close(self) -> None:
        self._writer.transport.abort()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


@pytest.fixture
async def client(machine: CameraMachine) -> AsyncIterator[Client]:
    client = await Client.connect(machine.url)
    yield client
    await client.close()


async def test_stream_is_multipart_of_jpeg_pictures_that_differ(client: Client) -> None:
    assert b" 200 " in await client.line()
    pictures = [await client.picture() for _ in range(3)]
    assert len(set(pictures)) == 3
    assert all(picture.startswith(b"\xff\xd8") and picture.endswith(b"\xff\xd9") for picture in pictures)


async def test_frozen_camera_repeats_one_picture(machine: CameraMachine, client: Client) -> None:
    await client.picture()
    machine.freeze()
    await client.picture()  # it may have been under way
    assert len({await client.picture() for _ in range(3)}) == 1
    machine.freeze(False)
    await client.picture()
    assert len({await client.picture() for _ in range(3)}) > 1


async def test_no_two_pictures_are_equal_but_those_of_a_stored_loop(
    machine: CameraMachine, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.picture()
    monkeypatch.setattr("devices.sim.camera_machine.time.monotonic", lambda: 1.0)
    assert len({machine._picture() for _ in range(20)}) == 20
    machine.loop()
    assert len({machine._picture() for _ in range(20)}) == 1


async def test_covered_lens_sends_black(machine: CameraMachine, client: Client) -> None:
    lit = await client.picture()
    machine.black()
    await client.picture()
    assert len(await client.picture()) < len(lit) / 2


async def test_mute_camera_keeps_the_stream_open_and_sends_nothing(machine: CameraMachine, client: Client) -> None:
    await client.picture()
    machine.mute()
    with pytest.raises(TimeoutError):
        await client.watch(0.3)
    machine.mute(False)
    await client.picture()


async def test_pulled_cable_breaks_the_stream_and_the_port_stays_the_same(
    machine: CameraMachine, client: Client
) -> None:
    await client.picture()
    url = machine.url
    await machine.unplug()
    await machine.unplug()
    with pytest.raises((EOFError, ConnectionError)):
        await client.watch(PATIENCE_S)
    with pytest.raises(ConnectionError):
        await Client.connect(url)
    await machine.plug()
    await machine.plug()
    assert machine.url == url
    again = await Client.connect(url)
    await again.picture()
    await again.close()


async def test_other_paths_are_not_found(machine: CameraMachine) -> None:
    client = await Client.connect(machine.url + "/other")
    assert b" 404 " in await client.line()
    await client.close()


async def test_client_that_asks_nothing_does_not_hinder_the_end(machine: CameraMachine) -> None:
    at = urlsplit(machine.url)
    _, writer = await asyncio.open_connection(at.hostname, at.port)
    async with asyncio.timeout(1):
        await machine.stop()
        await machine.stop()
    writer.transport.abort()


async def test_face_that_is_not_there_is_refused_at_once(machine: CameraMachine) -> None:
    with pytest.raises(ValueError, match="face_a"):
        machine.show("face_z")
    assert machine.faces() == ("nobody",), "no portrait was fetched"
    with pytest.raises(FacesMissing, match="make setup"):
        machine.show("face_a")
    machine.show("")
    assert machine.state()["face"] == "nobody"
