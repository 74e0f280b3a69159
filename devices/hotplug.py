"""What is plugged in and pulled out: heard from udev where it runs, looked for twice a second where it does not.

The device manager is told, and looks at once at the device concerned instead of at its next probe. The address on its
name plate says which one that is: a path, or the numbers of a USB device. What has neither, a reader behind pcscd or a
supply behind upsd, is looked at whenever something was moved that belongs to no other device; what hangs at the network
is told by nobody here, and noticed by its driver or the next probe.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import errno
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from devices.values import Clock

POLL_S: Final = 0.5  # a pulled device has to be noticed within a second
UDEV_CONTROL: Final = Path("/run/udev/control")  # where udevd listens; libudev itself looks here for it
USB_NODES: Final = Path("/dev/bus/usb")  # one file a USB device, in one folder a bus
SUBSYSTEMS: Final = ("usb", "tty", "hidraw", "video4linux", "usbmisc")  # what terminals' devices belong to
_NUMBERS: Final = re.compile(r"(?:usb:|hid:)?([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})(?![0-9A-Fa-f])")

_log = logging.getLogger(__name__)


class Move(enum.Enum):
    """What has happened."""

    PLUGGED = enum.auto()
    PULLED = enum.auto()
    REPLACED = enum.auto()  # pulled and plugged between two looks: it is there, and what was open is not
    UNSURE = enum.auto()  # more than could be followed: anything may have changed


class Bearing(enum.Enum):
    """What a move means for one device."""

    THIS = enum.auto()
    PERHAPS = enum.auto()  # the device's address cannot be compared with what was moved
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class Plug:
    """One move. ``paths``: the device's file and every link to it; ``numbers``: ``VVVV:PPPP`` of a USB device."""

    move: Move
    paths: frozenset[str] = frozenset()
    numbers: str = ""

    def bearing(self, address: str) -> Bearing:
        """Tell whether the device with this address is the one."""
        if self.move is Move.UNSURE:
            return Bearing.PERHAPS
        path = path_in(address)
        if path:
            return Bearing.THIS if path in self.paths else Bearing.OTHER
        found = _NUMBERS.match(address)
        if found is None:
            return Bearing.PERHAPS
        if not self.numbers:  # a file of a USB device, as polling sees it
            return Bearing.PERHAPS
        return Bearing.THIS if self.numbers == f"{found[1]}:{found[2]}".upper() else Bearing.OTHER

    def concerns(self, addresses: Mapping[str, str]) -> tuple[list[str], bool]:
        """Return those of the devices (name to address) that were moved, and whether that is sure.

        Where none is known to be the one, all are returned that may be.
        """
        bearings = {name: self.bearing(address) for name, address in addresses.items()}
        sure = Bearing.THIS in bearings.values()
        wanted = Bearing.THIS if sure else Bearing.PERHAPS
        return [name for name, bearing in bearings.items() if bearing is wanted], sure


def path_in(address: str) -> str:
    """Return the file a device hangs at, empty where its address is none: ``/dev/ttyS0``, ``hid:/dev/hidraw0``."""
    path = address.removeprefix("hid:")
    return path if path.startswith("/") else ""


class UdevDevice(Protocol):
    """The part of ``pyudev.Device`` that is used here."""

    action: str | None
    device_node: str | None
    device_links: Iterable[str]
    properties: Mapping[str, str]


class UdevMonitor(Protocol):
    """The part of ``pyudev.Monitor`` that is used here."""

    def start(self) -> None:
        """Begin to receive. Raises ``OSError``."""
        ...

    def fileno(self) -> int:
        """Return what becomes readable."""
        ...

    def poll(self, timeout: float | None = None) -> Any:  # UdevDevice | None; pyudev has no types
        """Return the next event, ``None`` when there is none. Raises ``OSError``: ``ENOBUFS`` after lost events."""
        ...


def udev_monitor(control: Path = UDEV_CONTROL) -> UdevMonitor | None:
    """Return a monitor of udev's events, ``None`` where no udevd runs, as in containers. Raises ``OSError``."""
    if not control.exists():
        return None
    import pyudev  # type: ignore[import-untyped]  # noqa: PLC0415 - libudev is needed only where udevd runs

    monitor: UdevMonitor = pyudev.Monitor.from_netlink(pyudev.Context())
    for subsystem in SUBSYSTEMS:
        monitor.filter_by(subsystem)  # type: ignore[attr-defined]  # the scripted monitor needs none
    return monitor


class PlugWatch:
    """Watches until cancelled."""

    def __init__(
        self,
        *,
        clock: Clock,
        monitor: Callable[[], UdevMonitor | None] = udev_monitor,
        usb_nodes: Path = USB_NODES,
        interval_s: float = POLL_S,
    ) -> None:
        self._clock = clock
        self._monitor = monitor
        self._usb_nodes = usb_nodes
        self._interval_s = interval_s

    async def run(self, addresses: Iterable[str], tell: Callable[[Plug], None]) -> None:
        """Call ``tell`` on the loop for every move, in order. Never returns.

        ``addresses``: those of all devices. Paths outside ``/dev`` are none of udev's and are looked at in any case.
        What happened before the watch began nobody saw: it begins with ``UNSURE``. A path that is not there is told
        as pulled at every look: it may have been plugged, opened and pulled again since the last one.
        """
        paths = frozenset(path for path in map(path_in, addresses) if path)
        try:
            monitor = self._monitor()
            if monitor is not None:
                async with asyncio.TaskGroup() as group:
                    strangers = frozenset(path for path in paths if not path.startswith("/dev/"))
                    group.create_task(self._look_on(strangers, None, tell))
                    await self._listen(monitor, tell)
        except* OSError as errors:
            _log.warning("udev cannot be heard: %s; looking every %g s instead", errors.exceptions, self._interval_s)
        tell(Plug(Move.UNSURE))
        await self._look_on(paths, self._usb_nodes, tell)

    async def _listen(self, monitor: UdevMonitor, tell: Callable[[Plug], None]) -> None:
        """Pass udev's events on. Raises ``OSError`` when there will be no more."""
        loop = asyncio.get_running_loop()
        broken: asyncio.Future[None] = loop.create_future()
        monitor.start()
        tell(Plug(Move.UNSURE))

        def heard() -> None:
            try:
                while (event := monitor.poll(timeout=0)) is not None:
                    plug = _plug(event)
                    if plug is not None:
                        tell(plug)
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    _log.warning("more was plugged and pulled than could be followed: looking at everything")
                    tell(Plug(Move.UNSURE))
                elif not broken.done():
                    broken.set_exception(error)

        descriptor = monitor.fileno()
        loop.add_reader(descriptor, heard)
        try:
            await broken
        finally:
            loop.remove_reader(descriptor)

    async def _look_on(self, paths: frozenset[str], usb_nodes: Path | None, tell: Callable[[Plug], None]) -> None:
        """Compare what is there with what was there. A few dozen system calls on the kernel's own files: no waiting."""
        seen = _look(paths, usb_nodes)
        while True:
            for path in sorted(paths - seen.keys()):
                tell(Plug(Move.PULLED, frozenset({path})))
            await self._clock.sleep(self._interval_s)
            now = _look(paths, usb_nodes)
            for path in sorted(seen.keys() | now.keys()):
                was, is_ = seen.get(path), now.get(path)
                if is_ is None and path not in paths:
                    tell(Plug(Move.PULLED, frozenset({path})))
                elif is_ is not None and is_ != was:
                    tell(Plug(Move.PLUGGED if was is None else Move.REPLACED, frozenset({path})))
            seen = now


def _plug(event: UdevDevice) -> Plug | None:
    """Translate an event of udev; those that move nothing are ``None``."""
    moves = {"add": Move.PLUGGED, "remove": Move.PULLED}
    if event.action not in moves:
        return None
    paths = frozenset(event.device_links) | ({event.device_node} if event.device_node else frozenset())
    facts = event.properties
    vendor, product = facts.get("ID_VENDOR_ID"), facts.get("ID_MODEL_ID")
    if not (vendor and product) and facts.get("PRODUCT", "").count("/") >= 1:  # the kernel's words: no leading noughts
        vendor, product, *_ = (part.rjust(4, "0") for part in facts["PRODUCT"].split("/"))
    return Plug(moves[event.action], paths, f"{vendor}:{product}".upper() if vendor and product else "")


def _look(paths: Iterable[str], usb_nodes: Path | None) -> dict[str, tuple[int, ...]]:
    """Return every path that leads to something, with what tells it from its successor of the same name."""
    files = [Path(path) for path in paths]
    if usb_nodes is not None:
        files += usb_nodes.glob("*/*")
    found: dict[str, tuple[int, ...]] = {}
    for file in files:
        with contextlib.suppress(OSError):  # not there
            link, node = file.lstat(), file.stat()
            found[str(file)] = (link.st_ino, link.st_ctime_ns if file.is_symlink() else 0, node.st_ino, node.st_rdev)
    return found
