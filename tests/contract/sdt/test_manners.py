"""The manners of the SDT protocol: late replies, noise, every status, broken modules, and what reaches no log."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import time
from datetime import date
from typing import TYPE_CHECKING

import pytest

from devices.drivers.sdt_id_reader import SdtIdReader
from devices.drivers.sdt_link import QUICK_TIMEOUT_S
from devices.errors import (
    DeviceCode,
    DeviceError,
    DeviceFault,
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnavailable,
    MediumError,
)
from devices.health import ABSENT, READY, Condition, Health, HealthState
from devices.manager import DeviceManager
from devices.sim.sdt_reader import SdtReaderMachine, SimCard
from devices.testing.device import error_of, opened, until
from devices.testing.handles import open_handles
from kiosk.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "测试\U0002cc56"
CARD = SimCard.resident(
    name=NAME,
    sex="1",
    birth=date(1990, 3, 7),
    number="999999199003070012",
    valid_from=date(2020, 6, 1),
    valid_until=None,
    photo=b"picture",
)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
    machine = SdtReaderMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a look at an empty folder blocks nothing


@pytest.fixture
async def device(machine: SdtReaderMachine) -> AsyncIterator[SdtIdReader]:
    device = SdtIdReader("id_reader", machine.port)
    yield device
    await device.close()


async def until_asked(machine: SdtReaderMachine, times: int) -> None:
    goal = machine.asked + times
    await until(lambda: machine.asked >= goal)


async def test_late_reply_is_not_taken_for_the_answer_to_the_next_command(
    device: SdtIdReader, machine: SdtReaderMachine
) -> None:
    """Taken for a module status, the late words "no card" would be one nobody has ever seen."""
    async with opened(device):
        machine.delay(QUICK_TIMEOUT_S + 0.2, command="find")
        assert isinstance(await error_of(device.wait_card), DeviceTimeout)
        assert await device.probe() == READY
        machine.insert(CARD)
        await device.wait_card()
        assert (await device.read()).name.reveal() == NAME


async def test_reply_owed_to_a_cancelled_read_is_not_taken_for_the_next_answer(
    device: SdtIdReader, machine: SdtReaderMachine
) -> None:
    async with opened(device):
        machine.insert(CARD)
        await device.wait_card()
        machine.delay(0.5, command="read")  # longer than the cancelled exchange is allowed to go on
        async with asyncio.TaskGroup() as group:
            read = group.create_task(device.read())
            await until_asked(machine, 2)
            read.cancel()
        assert await device.probe() == READY
        assert await device.card_present(), "the module has read it, whoever asked"


async def test_word_nobody_asked_for_is_not_taken_for_an_answer(device: SdtIdReader, machine: SdtReaderMachine) -> None:
    async with opened(device):
        machine.line.send(bytes.fromhex("AAAAAA9669000400008084"))
        waiting = device._link._wire._serial  # type: ignore[union-attr]  # open just now
        async with asyncio.timeout(2):
            while not waiting.in_waiting:  # noqa: ASYNC110 - the far end is a line: it sets no event
                await asyncio.sleep(0.002)
        assert await device.probe() == READY


async def test_line_left_in_the_middle_of_a_reply_is_clean_for_the_next_owner(machine: SdtReaderMachine) -> None:
    first, second = SdtIdReader("first", machine.port), SdtIdReader("second", machine.port)
    await first.open()
    machine.insert(CARD)
    machine.delay(0.6, command="read")  # it arrives when the second owner has already asked
    await first.wait_card()
    async with asyncio.TaskGroup() as group:
        read = group.create_task(first.read())
        await until_asked(machine, 2)
        read.cancel()
    await first.close()
    async with opened(second):
        assert await second.probe() == READY


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (0x21, DeviceProtocolError, DeviceCode.PROTOCOL),
        (0x23, DeviceProtocolError, DeviceCode.PROTOCOL),
        (0x24, DeviceProtocolError, DeviceCode.PROTOCOL),
        (0x31, MediumError, DeviceCode.CARD_REFUSED),
        (0x32, MediumError, DeviceCode.CARD_REFUSED),
        (0x33, MediumError, DeviceCode.CARD_REFUSED),
        (0x40, MediumError, DeviceCode.CARD_UNKNOWN_KIND),
        (0x41, MediumError, DeviceCode.CARD_LIFTED),
        (0x47, MediumError, DeviceCode.CARD_UNREADABLE),
        (0x60, DeviceFault, DeviceCode.SECURITY_MODULE),
        (0x66, DeviceFault, DeviceCode.SECURITY_MODULE),
        (0x80, MediumError, DeviceCode.CARD_LIFTED),
        (0x99, DeviceProtocolError, DeviceCode.PROTOCOL),
        (0x10, DeviceProtocolError, DeviceCode.PROTOCOL),
    ],
)
async def test_every_status_of_a_read_has_its_meaning(
    device: SdtIdReader, machine: SdtReaderMachine, status: int, error: type[DeviceError], code: DeviceCode
) -> None:
    async with opened(device):
        machine.insert(CARD)
        machine.fault(status)
        await device.wait_card()
        caught = await error_of(device.read)
        assert (type(caught), caught.code) == (error, code)


@pytest.mark.parametrize("status", [0x10, 0x11])
async def test_frame_that_arrived_broken_at_the_module_is_sent_once_more(
    device: SdtIdReader, machine: SdtReaderMachine, status: int
) -> None:
    async with opened(device):
        machine.fault(status, "status", times=1)
        asked = machine.asked
        assert await device.probe() == READY
        assert machine.asked == asked + 2


async def test_module_without_random_numbers_is_reset(device: SdtIdReader, machine: SdtReaderMachine) -> None:
    async with opened(device):
        machine.insert(CARD)
        machine.fault(0x47, "select", times=1)
        await device.wait_card()
        asked = machine.asked
        await error_of(device.read)
        assert machine.asked == asked + 2, "select, reset"
        await device.wait_card()
        await device.read()


async def test_module_that_does_not_recover_from_its_reset_is_out_of_service(
    device: SdtIdReader, machine: SdtReaderMachine
) -> None:
    async with opened(device):
        machine.insert(CARD)
        machine.fault(0x47)
        machine.fault(0x60, "reset")
        await device.wait_card()
        assert (await error_of(device.read)).code is DeviceCode.SECURITY_MODULE


@pytest.mark.parametrize("status", [0x60, 0x66])
async def test_broken_security_module_is_seen_on_opening_and_by_the_probe(
    device: SdtIdReader, machine: SdtReaderMachine, status: int
) -> None:
    async with opened(device):
        machine.fault(status, "status")
        health = await device.probe()
        assert (health.state, health.conditions) == (HealthState.FAULT, {Condition.SECURITY_MODULE})
    error = await error_of(device.open)
    assert (type(error), error.code) == (DeviceFault, DeviceCode.SECURITY_MODULE)
    machine.fault(None, "status")
    async with opened(device):
        assert await device.probe() == READY


async def test_reply_broken_off_is_an_error_and_costs_no_later_command(
    device: SdtIdReader, machine: SdtReaderMachine
) -> None:
    async with opened(device):
        machine.insert(CARD)
        await device.wait_card()
        machine.truncate(command="read")
        assert isinstance(await error_of(device.read), DeviceProtocolError)
        assert await device.probe() == READY


async def test_text_of_a_card_reaches_no_log(
    device: SdtIdReader, machine: SdtReaderMachine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(device):
        machine.insert(CARD)
        machine.corrupt(command="find")
        await error_of(device.wait_card)
        await device.wait_card()
        await device.read()
        machine.lift()
        machine.insert(SimCard(CARD.text[:122] + b"1\0" + CARD.text[124:], CARD.photo))
        await device.wait_card()
        error = await error_of(device.read)
    said = caplog.text + repr(error) + str(error)
    assert "READ: 90" in caplog.text
    assert not any(secret in said for secret in (NAME, "19900307", "测试"))


async def test_unplugged_reader_is_hidden_by_the_manager_and_comes_back_by_itself(
    device: SdtIdReader, machine: SdtReaderMachine
) -> None:
    changes: asyncio.Queue[tuple[str, Health, DeviceError | None]] = asyncio.Queue()
    manager = DeviceManager(
        {"id_reader": device},
        clock=SystemClock(),
        on_change=lambda *change: changes.put_nowait(change),
        probe_interval_s=0.1,
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        await manager.start()
        assert (await changes.get())[1] == READY
        watch = group.create_task(manager.run())
        machine.unplug()
        name, health, error = await changes.get()
        assert (name, health) == ("id_reader", ABSENT)
        assert isinstance(error, DeviceUnavailable)
        machine.plug()
        assert (await changes.get())[1] == READY
        async with manager.lease("id_reader") as lent:
            assert lent is device
            assert await device.probe() == READY
        watch.cancel()
    await manager.stop()


async def test_line_is_as_slow_as_a_real_one(device: SdtIdReader, machine: SdtReaderMachine) -> None:
    async with opened(device):
        machine.insert(CARD)
        await device.wait_card()
        begin = time.monotonic()
        await device.read()
        assert time.monotonic() - begin > 1295 * 10 / 115200


async def test_second_program_on_the_line_is_refused(device: SdtIdReader, machine: SdtReaderMachine) -> None:
    second = SdtIdReader("second", machine.port)
    async with opened(device):
        assert isinstance(await error_of(second.open), DeviceUnavailable)
        assert await device.probe() == READY


@pytest.mark.parametrize(
    ("port", "named"),
    [
        ("/dev/there-is-no-such-port", "/dev/there-is-no-such-port"),
        ("socket://127.0.0.1:1", "socket://127.0.0.1:1"),
        ("nonsense://x", "nonsense://x"),
        ("/", "/"),
        ("usb:", "usb:0400:C35A"),  # through the real libusb
        ("hid:", "2B8B:2721"),
        ("hid:/dev/there-is-no-such-file", "/dev/there-is-no-such-file"),
    ],
)
async def test_port_that_cannot_be_opened_is_unavailable_and_named(port: str, named: str) -> None:
    error = await error_of(SdtIdReader("id_reader", port).open)
    assert isinstance(error, DeviceUnavailable)
    assert named in error.detail


async def test_device_server_that_hangs_up_is_noticed_and_leaves_no_socket() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        line: socket.socket = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a good-bye
        writer.transport.abort()

    handles = open_handles()
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    error = await error_of(SdtIdReader("id_reader", f"socket://127.0.0.1:{port}").open)
    assert isinstance(error, DeviceUnavailable)
    server.close()
    await server.wait_closed()
    assert open_handles() == handles


async def test_module_is_told_the_size_of_its_radio_blocks_where_the_settings_say_so(machine: SdtReaderMachine) -> None:
    async with opened(SdtIdReader("id_reader", machine.port, rf_block=80)):
        assert machine.heard["max_rf"] == 1
    async with opened(SdtIdReader("id_reader", machine.port)):
        assert machine.heard["max_rf"] == 1, "by default it is left as it is"


async def test_command_that_reads_fingerprints_is_never_sent(device: SdtIdReader, machine: SdtReaderMachine) -> None:
    async with opened(device):
        machine.insert(CARD)
        await device.wait_card()
        await device.read()
    assert set(machine.heard) <= {"reset", "status", "sam_id", "find", "select", "read", "append"}


@pytest.mark.parametrize("options", [{"port": "usb:04:1"}, {"port": "hid:x"}, {"port": "/dev/x", "rf_block": 256}])
def test_options_that_cannot_be_are_refused_before_anything_is_opened(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"address|rf_block"):
        SdtIdReader("id_reader", **options)  # type: ignore[arg-type]  # wrong on purpose


async def test_silent_module_is_told_as_silent_and_never_as_ready(
    device: SdtIdReader, machine: SdtReaderMachine
) -> None:
    async with opened(device):
        machine.silent(True)
        assert isinstance(await error_of(device.probe), DeviceTimeout)
        machine.silent(False)
        assert await device.probe() == READY
