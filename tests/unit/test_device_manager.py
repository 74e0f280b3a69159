"""Supervision: one bad device never delays another, every change is told once, and a device has one user at a time."""

from __future__ import annotations

import asyncio
import heapq
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from devices.device import Device, DeviceInfo
from devices.errors import (
    DeviceCode,
    DeviceError,
    DeviceFault,
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnavailable,
    MediumError,
    OutcomeUnknown,
)
from devices.health import ABSENT, READY, UNKNOWN, Condition, Health
from devices.hotplug import Move, Plug, PlugWatch
from devices.manager import OPEN_DEADLINE_S, PROBE_INTERVAL_S, DeviceManager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

PAPER_OUT = Health.of(frozenset({Condition.PAPER_OUT}))
PAPER_LOW = Health.of(frozenset({Condition.PAPER_LOW}))
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class Timer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class HandClock:
    """Moved by hand, timer by timer."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._made = 0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        self.call_later(seconds, over.set)
        await over.wait()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(callback)
        self._made += 1
        heapq.heappush(self._timers, (self.elapsed + seconds, self._made, timer))
        return timer

    async def advance(self, seconds: float) -> None:
        end = self.elapsed + seconds
        await settle()
        while self._timers and self._timers[0][0] <= end:
            self.elapsed, _, timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                timer.callback()
                await settle()
        self.elapsed = end
        await settle()


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


class Pretended(Device):
    """A device that does what a test tells it, and notes what was asked of it."""

    def __init__(self, clock: HandClock, name: str) -> None:
        self.clock = clock
        self.address = f"/dev/{name}"
        self.health = READY
        self.open_error: Exception | None = None
        self.probe_error: Exception | None = None
        self.hangs = False
        self.is_open = False
        self.opened_at: list[float] = []
        self.probes = 0
        self.inside = 0

    async def open(self) -> None:
        self.opened_at.append(self.clock.elapsed)
        if self.hangs:
            await asyncio.Event().wait()
        if self.open_error is not None:
            raise self.open_error
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def probe(self) -> Health:
        self.inside += 1
        assert self.inside == 1, "two users at a time"
        await asyncio.sleep(0)
        self.inside -= 1
        self.probes += 1
        if self.probe_error is not None:
            raise self.probe_error
        return self.health

    def info(self) -> DeviceInfo:
        return DeviceInfo(driver="pretended", address=self.address)


class Bench:
    def __init__(self, *names: str) -> None:
        self.clock = HandClock()
        self.devices = {name: Pretended(self.clock, name) for name in names}
        self.changes: list[tuple[str, Health, DeviceError | None]] = []
        self.manager = DeviceManager(
            self.devices,
            clock=self.clock,
            on_change=lambda *change: self.changes.append(change),
            probe_interval_s=PROBE_INTERVAL_S,
        )

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(name, str(health.state)) for name, health, _ in self.changes]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.manager.start()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self.manager.run())
            await settle()
            try:
                yield
            finally:
                watch.cancel()
        await self.manager.stop()
        assert not any(device.is_open for device in self.devices.values())


@pytest.fixture
def bench() -> Bench:
    return Bench("id_reader", "document_printer")


async def test_device_that_hangs_on_opening_does_not_delay_another(bench: Bench) -> None:
    bench.devices["document_printer"].hangs = True
    async with asyncio.TaskGroup() as group:
        start = group.create_task(bench.manager.start())
        await settle()
        assert bench.manager.health("id_reader") == READY
        assert bench.manager.health("document_printer") == UNKNOWN
        await bench.clock.advance(OPEN_DEADLINE_S)
        assert start.done()
    assert bench.manager.health("document_printer") == ABSENT
    assert isinstance(bench.changes[-1][2], DeviceTimeout)
    await bench.manager.stop()


async def test_device_that_comes_late_is_opened_with_growing_pauses(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    reader.open_error = DeviceUnavailable("no such port")
    async with bench.running():
        await bench.clock.advance(100)
        assert reader.opened_at == [0, 1, 3, 7, 15, 31, 61, 91]
        reader.open_error = None
        await bench.clock.advance(30)
        assert bench.manager.health("id_reader") == READY
        # It failed and came back: the next failure starts over with the short pause.
        reader.probe_error = DeviceUnavailable("gone")
        reader.open_error = DeviceUnavailable("no such port")
        seen = len(reader.opened_at)
        await bench.clock.advance(PROBE_INTERVAL_S)
        await bench.clock.advance(4)
        first, second = reader.opened_at[seen:][:2]
        assert second - first == 2


async def test_each_change_is_told_and_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    reader = bench.devices["id_reader"]
    caplog.set_level(logging.INFO, logger="devices.manager")
    async with bench.running():
        bench.changes.clear()
        caplog.clear()
        reader.probe_error = DeviceTimeout("silent", device="id_reader")
        reader.open_error = DeviceUnavailable("gone", device="id_reader")
        await bench.clock.advance(60)
        reader.probe_error = reader.open_error = None
        await bench.clock.advance(60)
        assert bench.told == [("id_reader", "absent"), ("id_reader", "ready")]
        assert isinstance(bench.changes[0][2], DeviceTimeout)
        assert bench.changes[1][2] is None
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_failed_probe_closes_the_device_before_it_is_opened_again(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        reader.probe_error = DeviceProtocolError("nonsense")
        await bench.clock.advance(PROBE_INTERVAL_S)
        assert not reader.is_open
        reader.probe_error = None
        await bench.clock.advance(1)
        assert reader.is_open
        assert bench.manager.health("id_reader") == READY


async def test_missing_names_what_is_absent_broken_or_not_configured_and_leaves_out_what_is_low(bench: Bench) -> None:
    bench.devices["document_printer"].health = PAPER_OUT
    bench.devices["id_reader"].health = PAPER_LOW
    async with bench.running():
        assert bench.manager.names() == ("id_reader", "document_printer")
        assert bench.manager.missing(["id_reader", "document_printer", "camera"]) == {
            "document_printer": PAPER_OUT,
            "camera": ABSENT,
        }


async def test_since_is_the_moment_of_the_last_change_and_known_for_what_is_not_configured(bench: Bench) -> None:
    async with bench.running():
        await bench.clock.advance(12)
        bench.devices["document_printer"].health = PAPER_OUT
        await bench.clock.advance(20)
        assert bench.manager.since("document_printer") == START + timedelta(seconds=15)
        assert bench.manager.since("id_reader") == bench.manager.since("camera") == START


async def test_leased_device_is_not_probed_and_a_second_lease_waits(bench: Bench) -> None:
    reader, order = bench.devices["id_reader"], []
    async with bench.running(), asyncio.TaskGroup() as group:

        async def second() -> None:
            async with bench.manager.lease("id_reader"):
                order.append("second")

        async with bench.manager.lease("id_reader") as lent:
            assert lent is reader
            group.create_task(second())
            probes = reader.probes
            await bench.clock.advance(10 * PROBE_INTERVAL_S)
            assert reader.probes == probes
            order.append("first")
        await settle()
        assert order == ["first", "second"]
        await bench.clock.advance(PROBE_INTERVAL_S)
        assert reader.probes > probes


async def test_lease_of_what_cannot_be_used_says_why(bench: Bench) -> None:
    bench.devices["document_printer"].health = PAPER_OUT
    bench.devices["id_reader"].open_error = DeviceUnavailable("cannot open the port")
    async with bench.running():
        with pytest.raises(DeviceFault, match="paper_out") as fault:
            await bench.manager.lease("document_printer").__aenter__()
        assert (fault.value.code, fault.value.device) == (DeviceCode.PAPER_OUT, "document_printer")
        with pytest.raises(DeviceUnavailable, match="cannot open the port"):
            await bench.manager.lease("id_reader").__aenter__()
        with pytest.raises(DeviceUnavailable, match="not configured"):
            await bench.manager.lease("camera").__aenter__()


async def test_reported_loss_is_acted_on_at_once_and_not_at_the_next_probe(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        reader.open_error = DeviceUnavailable("gone")
        bench.manager.report("id_reader", DeviceUnavailable("gone", device="id_reader"))
        await settle()
        assert bench.manager.health("id_reader") == ABSENT
        assert bench.clock.elapsed == 0


async def test_device_whose_opening_was_cut_off_is_not_lent_closed(bench: Bench) -> None:
    """The next in the queue was given it, because it had been well before it was closed to be opened anew."""
    reader = bench.devices["id_reader"]
    await bench.manager.start()
    reader.hangs = True
    bench.manager.report("id_reader", DeviceUnavailable("gone", device="id_reader"))

    async def use() -> bool:
        async with bench.manager.lease("id_reader"):
            return reader.is_open

    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(use()), group.create_task(use())
        await settle()
        reader.hangs = False
        first.cancel()
        await asyncio.wait({first})
    assert second.result()
    await bench.manager.stop()


async def test_reader_that_stumbled_is_reopened_before_the_next_use_even_when_nobody_watches(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    await bench.manager.start()
    with pytest.raises(DeviceProtocolError):
        async with bench.manager.lease("id_reader"):
            raise DeviceProtocolError("nonsense", device="id_reader")
    opened = len(reader.opened_at)
    async with bench.manager.lease("id_reader"):
        assert len(reader.opened_at) == opened + 1
    assert bench.told.count(("id_reader", "ready")) == 1, "it was never away for anybody else"
    await bench.manager.stop()


@pytest.mark.parametrize("error", [DeviceFault("paper", code=DeviceCode.PAPER_OUT), OutcomeUnknown("lost", job="7")])
async def test_reported_fault_is_asked_about_without_closing(bench: Bench, error: DeviceError) -> None:
    printer = bench.devices["document_printer"]
    async with bench.running():
        printer.health = PAPER_OUT
        bench.manager.report("document_printer", error)
        await settle()
        assert bench.manager.health("document_printer") == PAPER_OUT
        assert len(printer.opened_at) == 1


async def test_trouble_with_the_medium_or_another_device_says_nothing_about_this_one(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        probes = reader.probes
        bench.manager.report("id_reader", MediumError("lifted"))
        bench.manager.report("nobody", DeviceUnavailable("gone"))
        with pytest.raises(DeviceUnavailable):
            async with bench.manager.lease("id_reader"):
                raise DeviceUnavailable("gone", device="camera")
        await settle()
        assert reader.probes == probes


async def test_security_module_that_fails_on_opening_is_broken_and_not_absent(bench: Bench) -> None:
    bench.devices["id_reader"].open_error = DeviceFault("60", code=DeviceCode.SECURITY_MODULE)
    async with bench.running():
        assert bench.manager.health("id_reader") == Health.of(frozenset({Condition.SECURITY_MODULE}))


async def test_bug_in_one_driver_is_named_without_its_text_and_the_rest_lives_on(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        reader.probe_error = KeyError("李明测")
        await bench.clock.advance(PROBE_INTERVAL_S)
        assert not bench.manager.health("id_reader").usable
        assert "KeyError" in str(bench.changes[-1][2])
        assert "李明测" not in str(bench.changes[-1][2])
        assert bench.manager.health("document_printer") == READY
        reader.probe_error = None
        await bench.clock.advance(2)
        assert bench.manager.health("id_reader") == READY


async def test_probe_that_hangs_is_given_up(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():

        async def silence() -> Health:
            await asyncio.Event().wait()
            return READY

        reader.probe = silence  # type: ignore[method-assign]  # a driver that ignores its promise to be quick
        await bench.clock.advance(PROBE_INTERVAL_S + 5)
        assert bench.manager.health("id_reader") == ABSENT
        assert bench.manager.health("document_printer") == READY


async def test_after_stop_nothing_is_lent(bench: Bench) -> None:
    async with bench.running():
        pass
    with pytest.raises(DeviceUnavailable):
        await bench.manager.lease("id_reader").__aenter__()
    await bench.manager.stop()


def pulled(name: str) -> Plug:
    return Plug(Move.PULLED, frozenset({f"/dev/{name}"}))


def plugged(name: str) -> Plug:
    return Plug(Move.PLUGGED, frozenset({f"/dev/{name}"}))


async def test_pulled_device_is_away_at_once_and_back_at_once_whatever_its_back_off(bench: Bench) -> None:
    reader, printer = bench.devices["id_reader"], bench.devices["document_printer"]
    async with bench.running():
        probes = printer.probes
        reader.open_error = DeviceUnavailable("gone")
        bench.changes.clear()
        bench.manager.heard(pulled("id_reader"))
        assert bench.told == [("id_reader", "absent")], "before anybody asks the device"
        await bench.clock.advance(100)  # its back-off has grown to half a minute
        reader.open_error = None
        now = bench.clock.elapsed
        bench.manager.heard(plugged("id_reader"))
        await settle()
        assert bench.told == [("id_reader", "absent"), ("id_reader", "ready")]
        assert bench.clock.elapsed == now
        assert printer.probes - probes == 20, "the printer was asked at its own pace"


async def test_device_replaced_in_a_moment_is_opened_anew_and_never_away(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        bench.changes.clear()
        bench.manager.heard(Plug(Move.REPLACED, frozenset({"/dev/id_reader"})))
        await settle()
        assert len(reader.opened_at) == 2
        assert not bench.told


async def test_absent_device_told_as_pulled_again_and_again_keeps_its_back_off(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        reader.open_error = DeviceUnavailable("gone")
        bench.manager.heard(pulled("id_reader"))
        await settle()
        tries = len(reader.opened_at)
        for _ in range(60):
            bench.manager.heard(pulled("id_reader"))
            await bench.clock.advance(0.5)
        assert len(reader.opened_at) - tries == 4, "after 1, 2, 4 and 8 seconds"


async def test_crashing_driver_of_a_missing_device_keeps_its_back_off_and_is_told_once(bench: Bench) -> None:
    """Told as pulled at every look, it was opened twice a second and filled the log with four changes."""
    reader = bench.devices["id_reader"]
    reader.open_error = DeviceUnavailable("crashed", code=DeviceCode.DRIVER_CRASHED, device="id_reader")
    async with bench.running():
        for _ in range(120):
            bench.manager.heard(Plug(Move.PULLED, frozenset({reader.address})))
            await bench.clock.advance(0.5)
        assert len(reader.opened_at) < 10
        assert len(bench.changes) <= 2  # with the printer's own


async def test_device_pulled_while_it_is_opened_is_looked_at_again(bench: Bench) -> None:
    """The event came while it counted as absent already; the late success would stand until the next probe."""
    reader = bench.devices["id_reader"]
    reader.open_error = DeviceUnavailable("absent", device="id_reader")
    async with bench.running():
        reader.open_error, late = None, asyncio.Event()

        async def open_late() -> None:
            await late.wait()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "open", open_late)
            bench.manager.heard(Plug(Move.PLUGGED, frozenset({reader.address})))
            await settle()
            bench.manager.heard(Plug(Move.PULLED, frozenset({reader.address})))
        reader.open_error = DeviceUnavailable("absent", device="id_reader")
        late.set()
        await settle()
        assert bench.manager.health("id_reader") == ABSENT


async def test_device_that_needs_a_moment_after_plugging_is_tried_again_soon(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        reader.open_error = DeviceUnavailable("gone")
        bench.manager.heard(pulled("id_reader"))
        await bench.clock.advance(100)
        bench.manager.heard(plugged("id_reader"))
        await bench.clock.advance(0.5)
        reader.open_error = None
        await bench.clock.advance(0.5)
        assert bench.manager.health("id_reader") == READY


async def test_device_pulled_while_it_is_lent_is_marked_and_left_to_its_user(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        bench.changes.clear()
        async with bench.manager.lease("id_reader"):
            calls = (len(reader.opened_at), reader.probes)
            bench.manager.heard(pulled("id_reader"))
            bench.manager.heard(plugged("id_reader"))
            await bench.clock.advance(60)
            assert bench.told == [("id_reader", "absent")]
            assert (len(reader.opened_at), reader.probes) == calls
        await settle()
        assert bench.told == [("id_reader", "absent"), ("id_reader", "ready")]
        assert len(reader.opened_at) == calls[0] + 1, "what was open before is of no use"


async def test_storm_of_twenty_ends_in_the_truth_and_tells_no_change_twice(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        bench.changes.clear()
        for number in range(20):
            bench.manager.heard((plugged if number % 2 else pulled)("id_reader"))
            for _ in range(number % 3):
                await asyncio.sleep(0)
        await settle()
        assert reader.is_open
        assert [state for _, state in bench.told] == ["absent", "ready"] * (len(bench.told) // 2)
        reader.open_error = DeviceUnavailable("gone")
        bench.manager.heard(pulled("id_reader"))
        await settle()
        assert not reader.is_open
        assert bench.manager.health("id_reader") == ABSENT


async def test_answer_given_before_the_cable_was_pulled_does_not_bring_the_device_back(bench: Bench) -> None:
    reader = bench.devices["id_reader"]
    async with bench.running():
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def slowly() -> Health:
            asked.set()
            await go_on.wait()
            return READY

        reader.probe = slowly  # type: ignore[method-assign]  # an answer that is on its way when the cable goes
        bench.changes.clear()
        await bench.clock.advance(PROBE_INTERVAL_S)
        await asked.wait()
        reader.open_error = DeviceUnavailable("gone")
        bench.manager.heard(pulled("id_reader"))
        go_on.set()
        await settle()
        assert bench.told == [("id_reader", "absent")]


async def test_move_of_something_unknown_wakes_those_whose_address_is_no_path(bench: Bench) -> None:
    reader, printer = bench.devices["id_reader"], bench.devices["document_printer"]
    printer.address = "ups@127.0.0.1:3493"
    async with bench.running():
        asked = (reader.probes, printer.probes)
        bench.manager.heard(Plug(Move.PULLED, frozenset({"/dev/bus/usb/001/004"}), "0ABC:12EF"))
        await settle()
        assert (reader.probes, printer.probes) == (asked[0], asked[1] + 1)
        bench.manager.heard(Plug(Move.UNSURE))
        await settle()
        assert (reader.probes, printer.probes) == (asked[0] + 1, asked[1] + 2)


async def test_watch_runs_with_the_supervision_and_ends_with_it(bench: Bench) -> None:
    class Watch(PlugWatch):
        ended = False

        async def run(self, addresses: Iterable[str], tell: Callable[[Plug], None]) -> None:
            assert sorted(addresses) == ["/dev/document_printer", "/dev/id_reader"]
            tell(pulled("id_reader"))
            try:
                await asyncio.Event().wait()
            finally:
                self.ended = True

    watch = Watch(clock=bench.clock)
    bench.manager = DeviceManager(bench.devices, clock=bench.clock, on_change=lambda *_: None, plugs=watch)
    async with bench.running():
        assert len(bench.devices["id_reader"].opened_at) == 2
    assert watch.ended
