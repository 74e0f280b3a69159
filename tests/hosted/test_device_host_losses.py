"""Whatever a driver's library does, the screen stays alive, the device is marked in a second and comes back."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devices.errors import DeviceCode, DeviceError, DeviceUnavailable, OutcomeUnknown
from devices.health import ABSENT, READY, Condition, Health, HealthState
from devices.hosted.confine import Limits
from devices.manager import DeviceManager
from devices.printer import PrintOutcome
from devices.testing.handles import open_handles
from devices.values import PrintJob, Slip, SlipText
from kiosk.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from devices.hosted.proxy import HostedDevice

MARKED_WITHIN_S = 1.0  # and what others take from this very loop meanwhile: they are no part of the promise
BACK_WITHIN_S = 15.0  # a machine on which others work as well
BLOCKED_MAX_S = 0.1  # processor time of this thread between two turns of the loop: more would be seen as a stutter
GROWN_MAX_BYTES = 48 << 20
CRASHED = Health(HealthState.ABSENT, frozenset({Condition.DRIVER_CRASHED}))
ROLE = "receipt_printer"


def job(title: str) -> PrintJob:
    return PrintJob(title, Slip((SlipText("一"),)))


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Terminal:
    """A manager, and what it said."""

    def __init__(self, device: HostedDevice) -> None:
        self.device = device
        self.changes: asyncio.Queue[tuple[float, Health, DeviceError | None]] = asyncio.Queue()
        self.manager = DeviceManager({ROLE: device}, clock=SystemClock(), on_change=self._changed)
        self.blocked_s = 0.0
        self.late_s = 0.0
        self.grown = 0

    def _changed(self, _: str, health: Health, error: DeviceError | None) -> None:
        self.changes.put_nowait((time.monotonic(), health, error))

    async def change(self) -> tuple[float, Health, DeviceError | None]:
        async with asyncio.timeout(BACK_WITHIN_S):
            return await self.changes.get()

    async def watch(self) -> None:
        """Be the rest of the terminal: see how long the loop is held up, and how much memory it takes."""
        begin, used = resident_bytes(), time.thread_time()
        while True:
            at = time.monotonic()
            await asyncio.sleep(0.002)
            self.late_s += max(0.0, time.monotonic() - at - 0.02)
            self.blocked_s, used = max(self.blocked_s, time.thread_time() - used), time.thread_time()
            self.grown = max(self.grown, resident_bytes() - begin)


@asynccontextmanager
async def running(device: HostedDevice) -> AsyncIterator[Terminal]:
    terminal = Terminal(device)
    await terminal.manager.start()
    assert (await terminal.change())[1] == READY
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(terminal.manager.run()), group.create_task(terminal.watch())]
        yield terminal
        for task in tasks:
            task.cancel()
    await terminal.manager.stop()


async def outcome_of(device: Any, title: str) -> Exception | None:
    async with asyncio.timeout(BACK_WITHIN_S):
        try:
            await device.print(job(title), lambda _: None)
        except DeviceError as error:
            return error
    return None


@pytest.mark.parametrize(
    "way",
    [
        "segfault",
        "exit",
        "sys_exit",
        "hang_loop",
        "hang_interpreter",
        "flood_stdout",
        "flood_stderr",
        "flood_wire",
        "announce_too_much",
        "answer_to_nothing",
        "wrong_value",
        "beats_without_end",
        "greetings_without_end",
    ],
)
async def test_terminal_outlives_a_library_that_does_this(make: Callable[..., HostedDevice], way: str) -> None:
    """In the middle of a print: its outcome is unknown, named, and never resent by itself."""
    async with running(make("acme-nasty")) as terminal:
        handles, begin = open_handles(), time.monotonic()
        error = await outcome_of(terminal.device, way)
        marked, health, _ = await terminal.change()
        assert health == CRASHED
        assert marked - begin < MARKED_WITHIN_S + terminal.late_s
        assert isinstance(error, OutcomeUnknown)
        assert (error.job, error.device, error.code) == ("j-1", ROLE, DeviceCode.OUTCOME_UNKNOWN)
        assert (await terminal.change())[1] == READY
        assert await terminal.device.outcome("j-1") is PrintOutcome.UNKNOWN
        assert await outcome_of(terminal.device, "sound") is None
        assert terminal.blocked_s < BLOCKED_MAX_S
        assert terminal.grown < GROWN_MAX_BYTES
        assert open_handles() == handles
    assert terminal.device.pid == 0


async def test_idle_driver_killed_is_marked_at_once_and_comes_back(make: Callable[..., HostedDevice]) -> None:
    """Nobody has to ask it first: the kernel tells."""
    async with running(make("acme-nasty")) as terminal:
        pid, begin = terminal.device.pid, time.monotonic()
        os.kill(pid, signal.SIGKILL)
        marked, health, error = await terminal.change()
        assert health == CRASHED
        assert marked - begin < MARKED_WITHIN_S + terminal.late_s
        assert isinstance(error, DeviceUnavailable)
        assert error.code is DeviceCode.DRIVER_CRASHED
        assert "SIGKILL" in error.detail
        assert (await terminal.change())[1] == READY
        assert terminal.device.pid not in {0, pid}


async def test_idle_driver_that_is_stopped_is_taken_for_hung(make: Callable[..., HostedDevice]) -> None:
    async with running(make("acme-nasty")) as terminal:
        begin = time.monotonic()
        os.kill(terminal.device.pid, signal.SIGSTOP)
        marked, health, _ = await terminal.change()
        assert health == CRASHED
        assert marked - begin < MARKED_WITHIN_S + terminal.late_s
        assert (await terminal.change())[1] == READY


async def test_lent_device_is_marked_too_and_its_user_hears_it(make: Callable[..., HostedDevice]) -> None:
    async with running(make("acme-nasty")) as terminal:
        with pytest.raises(OutcomeUnknown):
            async with terminal.manager.lease(ROLE) as lent:
                await lent.print(job("segfault"), None)  # type: ignore[attr-defined]
        assert (await terminal.change())[1] == CRASHED
        async with terminal.manager.lease(ROLE) as lent:
            assert await lent.probe() == READY


async def test_call_that_changes_nothing_is_unavailable_and_not_unknown(make: Callable[..., HostedDevice]) -> None:
    device = make("acme-nasty")
    await device.open()
    async with asyncio.TaskGroup() as group:
        os.kill(device.pid, signal.SIGSTOP)  # or it might answer first
        probing = group.create_task(_error_of(device.probe))
        await asyncio.sleep(0)
        os.kill(device.pid, signal.SIGKILL)
    assert isinstance(probing.result(), DeviceUnavailable)
    assert probing.result().code is DeviceCode.DRIVER_CRASHED
    assert (await _error_of(device.probe)).code is DeviceCode.DRIVER_CRASHED


async def test_vendor_call_hung_in_a_thread_ends_with_its_process(
    make: Callable[..., HostedDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process beats and its loop turns: only the question's own deadline can tell."""
    monkeypatch.setattr("devices.hosted.life.SOON_S", 0.3)
    device = make("acme-nasty")
    await device.open()
    await device.print(job("hang_thread"), None)
    error = await _error_of(device.probe)
    assert (type(error), error.code) == (DeviceUnavailable, DeviceCode.DRIVER_CRASHED)
    assert "probe" in error.detail
    await device.close()
    await device.open()
    assert await device.probe() == READY


async def test_opening_that_hangs_is_cancelled_and_leaves_no_process(make: Callable[..., HostedDevice]) -> None:
    device, handles = make("acme-nasty", at_open="hang_thread"), open_handles()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await device.open()
    assert (device.pid, open_handles()) == (0, handles)


async def test_cancelled_call_frees_its_caller_and_the_process_goes_on(make: Callable[..., HostedDevice]) -> None:
    device = make("acme-nasty")
    await device.open()
    pid = device.pid
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await device.print(job("wait"), None)
    assert await device.probe() == READY
    assert device.pid == pid


async def test_driver_deaf_to_cancelling_frees_its_caller_and_is_killed(
    make: Callable[..., HostedDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.hosted.life.CANCEL_LIMIT_S", 0.6)
    device = make("acme-nasty")
    await device.open()
    lost: asyncio.Queue[DeviceError] = asyncio.Queue()
    device.on_lost(lost.put_nowait)
    under_way = asyncio.Event()
    async with asyncio.timeout(BACK_WITHIN_S), asyncio.TaskGroup() as group:
        printing = group.create_task(device.print(job("deaf"), lambda _: under_way.set()))
        await under_way.wait()
        begin = time.monotonic()
        printing.cancel()
        await asyncio.wait({printing})
        assert time.monotonic() - begin < 0.5
        assert "cancelled" in (await lost.get()).detail


async def test_call_that_waited_for_a_cancelled_one_ends_with_their_process(
    make: Callable[..., HostedDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to be sent into the dead line and to wait for ever, its lease with it."""
    monkeypatch.setattr("devices.hosted.life.CANCEL_LIMIT_S", 0.8)
    device = make("acme-nasty")
    await device.open()
    under_way = asyncio.Event()
    async with asyncio.timeout(BACK_WITHIN_S), asyncio.TaskGroup() as group:
        first = group.create_task(device.print(job("deaf"), lambda _: under_way.set()))
        await under_way.wait()
        first.cancel()
        await asyncio.wait({first})
        error = await outcome_of(device, "second")
    assert isinstance(error, DeviceUnavailable)  # it never left: it may be made again
    assert error.code is DeviceCode.DRIVER_CRASHED


async def test_bug_of_a_driver_is_named_by_type_and_place_and_never_by_its_text(
    make: Callable[..., HostedDevice], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    device = make("acme-nasty")
    await device.open()
    error = await outcome_of(device, "bug")
    assert isinstance(error, OutcomeUnknown)  # paper may be out: a plain fault would be printed once more
    assert error.job == "j-1"
    assert "RuntimeError" in str(error)
    assert "nasty.py" in str(error)
    assert "张三" not in str(error) + caplog.text


async def test_what_a_library_prints_is_counted_and_never_kept(
    make: Callable[..., HostedDevice], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    device = make("acme-nasty")
    await device.open()
    await outcome_of(device, "leave_a_child")
    await device.close()
    assert "printed 5 bytes" in caplog.text
    assert "child" not in caplog.text + "".join(capfd.readouterr())


async def test_process_a_library_left_behind_ends_with_it(make: Callable[..., HostedDevice]) -> None:
    device = make("acme-nasty")
    await device.open()
    session = device.pid
    await outcome_of(device, "leave_a_child")
    await _until(lambda: session not in _sessions())


async def test_memory_limit_ends_the_driver_and_not_the_machine(make: Callable[..., HostedDevice]) -> None:
    device = make("acme-nasty", limits=Limits(nice=5, memory_mb=512))
    await device.open()
    assert os.getpriority(os.PRIO_PROCESS, device.pid) == os.getpriority(os.PRIO_PROCESS, 0) + 5
    error = await outcome_of(device, "eat")
    assert isinstance(error, OutcomeUnknown)
    assert "MemoryError" in str(error)
    assert await device.probe() == READY


async def test_driver_lost_again_and_again_waits_ever_longer(make: Callable[..., HostedDevice]) -> None:
    device, now = make("acme-nasty"), [1000.0]
    device._monotonic = lambda: now[0]
    for pause_s in (0, 0, 1, 2, 4, 8, 16, 30, 30):
        if pause_s:
            now[0] += pause_s - 0.5
            error = await _error_of(device.open)
            assert error.code is DeviceCode.DRIVER_CRASHED
            assert "again" in error.detail
            now[0] += 0.5
        await device.open()
        await outcome_of(device, "exit")
    now[0] += 100
    await device.open()
    await outcome_of(device, "exit")
    await device.open()
    assert await device.probe() == READY, "a row of losses ends with a minute without one"


async def test_driver_that_dies_while_it_opens_is_absent_and_tried_again(make: Callable[..., HostedDevice]) -> None:
    terminal = Terminal(make("acme-nasty", at_open="exit"))
    await terminal.manager.start()
    _, health, error = await terminal.change()
    assert health == CRASHED
    assert isinstance(error, DeviceUnavailable)
    await terminal.manager.stop()
    assert terminal.manager.health(ROLE) != ABSENT


async def test_closed_printer_leaves_no_process_no_handle_and_no_task(make: Callable[..., HostedDevice]) -> None:
    device = make("acme-nasty")
    await device.open()
    await device.close()
    handles, tasks = open_handles(), len(asyncio.all_tasks())
    await device.open()
    pid = device.pid
    await device.close()
    assert pid not in _sessions()
    assert (open_handles(), len(asyncio.all_tasks())) == (handles, tasks)


async def _error_of(call: Callable[[], Any]) -> DeviceError:
    async with asyncio.timeout(BACK_WITHIN_S):
        with pytest.raises(DeviceError) as caught:
            await call()
    return caught.value


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(BACK_WITHIN_S):
        while not happened():  # noqa: ASYNC110 - the kernel's table of processes sets no event
            await asyncio.sleep(0.01)


def _sessions() -> set[int]:
    """Return the sessions that have a living process (proc(5), field 6 of stat)."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                found.add(int(fields[3]))
    return found
