"""What is plugged and pulled: from udev, by a scripted monitor; and looked for, where no udev runs."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from devices.hotplug import POLL_S, Bearing, Move, Plug, PlugWatch, udev_monitor
from devices.testing.device import until
from devices.testing.handles import open_handles
from kiosk.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BY_ID = "/dev/serial/by-id/usb-ACME_Reader_1-if00"


@dataclass
class Event:
    """One event as pyudev gives it."""

    action: str
    device_node: str | None = None
    device_links: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)


class ScriptedMonitor:
    """udev's socket, with a pair of sockets in its place: an event is readable like a real one."""

    def __init__(self) -> None:
        self.started = False
        self.events: list[Event | OSError] = []
        self._near, self._far = socket.socketpair()

    def start(self) -> None:
        self.started = True

    def fileno(self) -> int:
        return self._near.fileno()

    def poll(self, timeout: float | None = None) -> Event | None:
        assert timeout == 0, "the loop must not wait"
        if not self.events:
            return None
        self._near.recv(1)
        event = self.events.pop(0)
        if isinstance(event, OSError):
            raise event
        return event

    def happen(self, *events: Event | OSError) -> None:
        self.events += events
        self._far.send(b"!" * len(events))

    def close(self) -> None:
        self._near.close()
        self._far.close()


class Watched:
    """A watch that runs, and what it told."""

    def __init__(self, watch: PlugWatch, clock: ManualClock) -> None:
        self.watch = watch
        self.clock = clock
        self.told: list[Plug] = []

    @asynccontextmanager
    async def running(self, *addresses: str) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.watch.run(addresses, self.told.append))
            await self.clock.settle()
            assert Plug(Move.UNSURE) in self.told, "nobody knows what happened before"
            self.told.clear()
            yield
            task.cancel()

    def moves(self) -> list[tuple[Move, str]]:
        return [(plug.move, *plug.paths) for plug in self.told]


@pytest.fixture
def looking(tmp_path: Path) -> Watched:
    clock = ManualClock()
    return Watched(PlugWatch(clock=clock, monitor=lambda: None, usb_nodes=tmp_path / "usb"), clock)


@pytest.fixture
async def monitor() -> AsyncIterator[ScriptedMonitor]:
    monitor = ScriptedMonitor()
    yield monitor
    monitor.close()


@pytest.fixture
def listening(monitor: ScriptedMonitor, tmp_path: Path) -> Watched:
    clock = ManualClock()
    return Watched(PlugWatch(clock=clock, monitor=lambda: monitor, usb_nodes=tmp_path / "usb"), clock)


async def test_path_that_vanishes_and_comes_back_is_told_within_half_a_second(looking: Watched, tmp_path: Path) -> None:
    node, link = tmp_path / "node", tmp_path / "link"
    node.touch()
    link.symlink_to(node)
    async with looking.running(str(link), "http://127.0.0.1/camera"):
        await looking.clock.advance(10 * POLL_S)
        assert not looking.told
        link.unlink()
        await looking.clock.advance(POLL_S)
        link.symlink_to(node)
        await looking.clock.advance(POLL_S)
        assert looking.moves() == [(Move.PULLED, str(link)), (Move.PLUGGED, str(link))]


async def test_device_that_was_never_there_is_told_at_the_beginning(tmp_path: Path) -> None:
    """It may have been pulled after it was opened and before the watch began."""
    clock, told = ManualClock(), []
    watch = PlugWatch(clock=clock, monitor=lambda: None, usb_nodes=tmp_path)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run([str(tmp_path), "/dev/never"], told.append))
        await clock.settle()
        task.cancel()
    assert told == [Plug(Move.UNSURE), Plug(Move.PULLED, frozenset({"/dev/never"}))]


async def test_device_opened_and_pulled_between_two_looks_is_told_all_the_same(
    looking: Watched, tmp_path: Path
) -> None:
    """Both looks find nothing, and in between somebody has opened it."""
    link = tmp_path / "link"
    async with looking.running(str(link)):
        link.symlink_to("/dev/null")
        link.unlink()
        await looking.clock.advance(POLL_S)
        assert looking.moves() == [(Move.PULLED, str(link))]


async def test_link_that_leads_nowhere_is_not_there(looking: Watched, tmp_path: Path) -> None:
    node, link = tmp_path / "node", tmp_path / "link"
    node.touch()
    link.symlink_to(node)
    async with looking.running(str(link)):
        node.unlink()
        await looking.clock.advance(POLL_S)
        assert looking.moves() == [(Move.PULLED, str(link))]


async def test_device_replaced_between_two_looks_is_not_taken_for_the_same(looking: Watched, tmp_path: Path) -> None:
    node, link = tmp_path / "node", tmp_path / "link"
    node.touch()
    link.symlink_to(node)
    async with looking.running(str(link)):
        link.unlink()
        link.symlink_to(node)
        await looking.clock.advance(POLL_S)
        assert looking.moves() == [(Move.REPLACED, str(link))]


async def test_usb_device_without_a_path_is_seen_too(looking: Watched, tmp_path: Path) -> None:
    bus = tmp_path / "usb" / "001"
    bus.mkdir(parents=True)
    async with looking.running("usb:1234:0ABC"):
        (bus / "004").touch()
        await looking.clock.advance(POLL_S)
        (bus / "004").unlink()
        await looking.clock.advance(POLL_S)
        assert looking.moves() == [(Move.PLUGGED, str(bus / "004")), (Move.PULLED, str(bus / "004"))]
        assert {plug.bearing("usb:1234:0ABC") for plug in looking.told} == {Bearing.PERHAPS}


async def test_udevs_words_are_told_with_every_name_of_the_device(listening: Watched, monitor: ScriptedMonitor) -> None:
    facts = {"ID_VENDOR_ID": "0abc", "ID_MODEL_ID": "12ef"}
    async with listening.running(BY_ID):
        assert monitor.started
        monitor.happen(
            Event("remove", "/dev/ttyUSB0", (BY_ID,), facts),
            Event("change", "/dev/ttyUSB0", (BY_ID,), facts),
            Event("add", "/dev/ttyUSB1", (BY_ID,), facts),
            Event("remove", None, (), {"PRODUCT": "abc/5/100"}),
            Event("add", None),
        )
        await until(lambda: len(listening.told) == 4)
        assert listening.told == [
            Plug(Move.PULLED, frozenset({"/dev/ttyUSB0", BY_ID}), "0ABC:12EF"),
            Plug(Move.PLUGGED, frozenset({"/dev/ttyUSB1", BY_ID}), "0ABC:12EF"),
            Plug(Move.PULLED, frozenset(), "0ABC:0005"),
            Plug(Move.PLUGGED),
        ]


async def test_storm_of_events_is_told_whole_and_in_order(listening: Watched, monitor: ScriptedMonitor) -> None:
    actions = ["remove", "add"] * 10
    async with listening.running(BY_ID):
        for action in actions:
            monitor.happen(Event(action, "/dev/ttyUSB0", (BY_ID,)))
        await until(lambda: len(listening.told) == len(actions))
        assert [plug.move for plug in listening.told] == [Move.PULLED, Move.PLUGGED] * 10


async def test_events_lost_on_the_way_make_everything_doubtful(listening: Watched, monitor: ScriptedMonitor) -> None:
    async with listening.running(BY_ID):
        monitor.happen(OSError(errno.ENOBUFS, "no buffer space"))
        await until(lambda: listening.told == [Plug(Move.UNSURE)])
        monitor.happen(Event("add", "/dev/ttyUSB0", (BY_ID,)))
        await until(lambda: len(listening.told) == 2)


async def test_udev_that_dies_is_replaced_by_looking(
    listening: Watched, monitor: ScriptedMonitor, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    async with listening.running(str(link)):
        monitor.happen(OSError(errno.EIO, "gone"))
        await until(lambda: listening.told == [Plug(Move.UNSURE)])
        await listening.clock.settle()
        link.unlink()
        await listening.clock.advance(POLL_S)
        assert listening.moves()[1:] == [(Move.PULLED, str(link))]


async def test_udev_that_cannot_be_asked_is_replaced_by_looking(tmp_path: Path) -> None:
    def refuse() -> None:
        raise OSError(errno.EPERM, "not allowed")

    clock, link = ManualClock(), tmp_path / "link"
    watched = Watched(PlugWatch(clock=clock, monitor=refuse, usb_nodes=tmp_path), clock)
    async with watched.running(str(link)):
        link.symlink_to("/dev/null")
        await clock.advance(POLL_S)
        assert watched.moves() == [(Move.PLUGGED, str(link))]


async def test_path_outside_dev_is_looked_at_though_udev_runs(listening: Watched, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    async with listening.running(str(link), "/dev/null"):
        link.unlink()
        await listening.clock.advance(POLL_S)
        assert listening.moves() == [(Move.PULLED, str(link))]


@pytest.mark.parametrize(
    ("address", "plug", "bearing"),
    [
        (BY_ID, Plug(Move.PULLED, frozenset({BY_ID, "/dev/ttyUSB0"})), Bearing.THIS),
        (BY_ID, Plug(Move.PULLED, frozenset({"/dev/ttyUSB0"}), "0ABC:12EF"), Bearing.OTHER),
        ("hid:/dev/hidraw0", Plug(Move.PULLED, frozenset({"/dev/hidraw0"})), Bearing.THIS),
        ("0ABC:12EF", Plug(Move.PULLED, numbers="0ABC:12EF"), Bearing.THIS),
        ("usb:0abc:12EF", Plug(Move.PULLED, numbers="0ABC:12EF"), Bearing.THIS),
        ("hid:0ABC:12EF:S-1/2", Plug(Move.PULLED, numbers="0ABC:12EF"), Bearing.THIS),
        ("usb:0ABC:12E0", Plug(Move.PULLED, numbers="0ABC:12EF"), Bearing.OTHER),
        ("usb:0ABC:12EF", Plug(Move.PULLED, frozenset({"/dev/bus/usb/001/004"})), Bearing.PERHAPS),
        ("ups@127.0.0.1:3493", Plug(Move.PULLED, numbers="0ABC:12EF"), Bearing.PERHAPS),
        (BY_ID, Plug(Move.UNSURE), Bearing.PERHAPS),
    ],
)
def test_address_says_whether_a_move_is_the_devices_own(address: str, plug: Plug, bearing: Bearing) -> None:
    assert plug.bearing(address) is bearing


def test_without_udev_there_is_no_monitor(tmp_path: Path) -> None:
    assert udev_monitor(tmp_path / "control") is None


def test_real_monitor_opens_listens_and_leaves_nothing(tmp_path: Path) -> None:
    """With libudev itself, on a machine where no udev may ever say a word."""
    handles = open_handles()
    monitor = udev_monitor(tmp_path)
    assert monitor is not None
    monitor.start()
    assert monitor.fileno() >= 0
    assert monitor.poll(timeout=0) is None
    del monitor
    assert open_handles() == handles
