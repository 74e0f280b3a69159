"""Listening on the event loop: what opening, losing and closing leave behind."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from devices.errors import DeviceCode, DeviceError, DeviceUnavailable
from devices.sim.socket_line import TcpLine
from devices.testing.device import error_of, running, until
from devices.testing.handles import open_handles
from devices.transport.address import serial_wire_to, wire_to
from devices.transport.hid import HidWire
from devices.transport.listening import Listener
from devices.transport.serial import SerialWire
from devices.transport.tcp_wire import TcpWire
from devices.transport.usb import UsbWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Heard:
    """A listener and what it told."""

    def __init__(self, line: TcpLine) -> None:
        self.bytes = bytearray()
        self.lost: list[DeviceError] = []
        self.listener = Listener("device", serial_wire_to(line.port, baud=0), self.bytes.extend, self.lost.append)


@pytest.fixture
async def line() -> AsyncIterator[TcpLine]:
    line = TcpLine(lambda data: line.send(data))  # noqa: PLW0108 - the name is bound after the call
    line.plug()
    yield line
    line.unplug()


@pytest.fixture
async def heard(line: TcpLine) -> AsyncIterator[Heard]:
    heard = Heard(line)
    yield heard
    await heard.listener.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "dev-device"]


async def test_bytes_are_heard_without_anybody_asking(heard: Heard, line: TcpLine) -> None:
    await heard.listener.open()
    await heard.listener.open()
    await heard.listener.write(b"echo")
    await until(lambda: heard.bytes == b"echo")
    await heard.listener.close()
    await heard.listener.close()


async def test_loss_is_told_once_and_stays_told(heard: Heard, line: TcpLine) -> None:
    await heard.listener.open()
    line.unplug()
    await until(lambda: bool(heard.lost))
    error = await error_of(lambda: heard.listener.write(b"1"))
    assert isinstance(error, DeviceUnavailable)
    assert error.device == "device"
    with pytest.raises(DeviceUnavailable):
        heard.listener.catch_up()
    assert len(heard.lost) == 1
    await heard.listener.close()
    line.plug()
    await heard.listener.open()
    heard.listener.catch_up()


async def test_loss_nobody_has_seen_yet_is_seen_by_who_catches_up(heard: Heard, line: TcpLine) -> None:
    await heard.listener.open()
    await heard.listener.write(b"1")
    await until(lambda: heard.bytes == b"1")
    line.unplug()
    with pytest.raises(DeviceUnavailable):
        heard.listener.catch_up()


async def test_closed_listener_says_so(heard: Heard) -> None:
    with pytest.raises(DeviceUnavailable) as caught:
        heard.listener.catch_up()
    assert caught.value.code is DeviceCode.CLOSED


async def test_open_that_is_cancelled_leaves_nothing(line: TcpLine) -> None:
    handles = open_handles()
    for _ in range(10):
        heard = Heard(line)
        async with running(heard.listener.open):
            await asyncio.sleep(0)
        await heard.listener.close()
    await until(lambda: open_handles() <= handles + 1)  # the line keeps the last one's end until it hears of the close


async def test_open_that_fails_leaves_nothing_and_can_be_tried_again(heard: Heard, line: TcpLine) -> None:
    line.unplug()
    error = await error_of(heard.listener.open)
    assert isinstance(error, DeviceUnavailable)
    assert error.device == "device"
    line.plug()
    await heard.listener.open()


@pytest.mark.parametrize(
    ("port", "kind"),
    [
        ("/dev/ttyS0", SerialWire),
        ("loop://", SerialWire),
        ("socket://127.0.0.1:1", TcpWire),
        ("hid:/dev/hidraw0", HidWire),
        ("hid:0400:C35A", HidWire),
        ("usb:0400:C35A", UsbWire),
    ],
)
def test_address_leads_to_its_wire(port: str, kind: type) -> None:
    assert type(wire_to(port, baud=9600)) is kind


@pytest.mark.parametrize("port", ["socket://", "socket://host", "hid:", "usb:", "usb:0400"])
def test_address_that_cannot_be_one_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match="address"):
        wire_to(port, baud=9600)


@pytest.mark.parametrize("port", ["usb:0400:C35A", "hid:/dev/hidraw0"])
def test_what_is_no_serial_line_is_refused_where_one_is_needed(port: str) -> None:
    with pytest.raises(ValueError, match="serial line"):
        serial_wire_to(port, baud=9600)


async def test_line_that_cannot_be_listened_to_is_unavailable_and_leaves_nothing() -> None:
    handles = open_handles()
    listener = Listener("device", SerialWire("loop://", 9600), bytes, list)  # type: ignore[arg-type]  # never called
    error = await error_of(listener.open)
    assert isinstance(error, DeviceUnavailable)
    await listener.close()
    assert open_handles() == handles
    assert not [thread for thread in threading.enumerate() if thread.name == "dev-device"]
