"""Resident identity card readers that speak SDT / SAM_A over a serial line, USB, HID or a device server."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from devices.blocking import BlockingWorker
from devices.device import DeviceInfo
from devices.drivers.sdt_frames import HEAD_SIZE, MODULE_BROKEN, Command, Reply, Status, body_size
from devices.drivers.sdt_link import SdtLink
from devices.drivers.sdt_records import CardBlocks, parse_identity, split_blocks
from devices.drivers.sdt_refusals import refusal
from devices.errors import DeviceCode, DeviceError, DeviceUnavailable, MediumError
from devices.health import READY, Condition, Health
from devices.id_reader import IdReader
from devices.transport.address import wire_to
from devices.transport.usb import SplitPipes

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.transport import Wire
    from devices.values import IdentityCard

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=DeviceError)

DEFAULT_BAUD = 115200
# The ministry's USB class, and the one maker whose HID reader is documented; others have numbers of their own.
USUAL_DEVICES = {"usb:": "usb:0400:C35A", "hid:": "hid:2B8B:2721"}
MAX_RF_BLOCK = 255
POLL_INTERVAL_S = 0.3  # fast enough to feel immediate; the modules are made for 300 to 1000 ms


class SdtIdReader(IdReader):
    """Any maker's reader with a police-certified security module.

    ``port`` is a path, best one that stays the same (``/dev/serial/by-id/...``), ``socket://host:port``,
    ``usb:VVVV:PPPP[:SERIAL]`` (``usb:`` alone is the ministry's class, 0400:C35A) or ``hid:`` with a device file or
    ``VVVV:PPPP[:SERIAL][/INTERFACE]``. ``baud`` is for serial lines, ``report_size`` (bytes) and ``report_id`` (0:
    none) for HID. ``usb_split``: the head of each frame goes through the first pipes, the rest through the second.
    ``lift_rule`` tells whether the module itself hides a card that was read until it is lifted; where it does not, the
    driver waits for the lift. ``rf_block``: bytes of one radio block, 0 for the module's own choice (80 is the usual
    remedy where reading breaks off). Raises ``ValueError`` for options that cannot be.
    """

    def __init__(
        self,
        name: str,
        port: str,
        baud: int = DEFAULT_BAUD,
        *,
        lift_rule: bool = True,
        report_size: int = 64,
        report_id: int = 0,
        usb_split: bool = False,
        rf_block: int = 0,
    ) -> None:
        if not 0 <= rf_block <= MAX_RF_BLOCK:
            raise ValueError(f"rf_block {rf_block} does not fit into one byte")
        self._name = name
        self._port = USUAL_DEVICES.get(port, port)
        split = SplitPipes(HEAD_SIZE, body_size) if usb_split else None
        self._new_wire: Callable[[], Wire] = partial(
            wire_to, self._port, baud=baud, report_size=report_size, report_id=report_id, split=split
        )
        self._new_wire()  # an address that cannot be one is a mistake in the settings, told before anything is opened
        self._lift_rule = lift_rule
        self._rf_block = rf_block
        self._module_id = ""
        self._worker: BlockingWorker | None = None
        self._link: SdtLink | None = None
        self._leaving: BlockingWorker | None = None  # of an open() that was cancelled; it still frees the port
        self._found = False
        self._was_read = False  # ... since it was found: the module knows it
        self._unread = False  # a card was found, and reading it has not succeeded

    async def open(self) -> None:
        """Open the line, learn the module's number and its state. Raises ``DeviceError``."""
        if self._worker is not None:
            return
        await self._let_go()
        worker = BlockingWorker(self._name)
        link = SdtLink(self._new_wire(), stopping=lambda: worker.stopping)
        try:
            self._module_id = await self._call(worker, _start, link, self._rf_block)
        except asyncio.CancelledError:
            worker.retire(link.close)  # without waiting: a connect cannot be hurried, the caller can
            self._leaving = worker
            raise
        except BaseException:
            await worker.close(link.close)
            raise
        self._worker, self._link = worker, link
        self._found = self._was_read = self._unread = False

    async def close(self) -> None:
        """Let go of the line and end the thread. Never raises."""
        worker, link = self._worker, self._link
        self._worker = self._link = None
        self._found = False
        if worker is not None and link is not None:
            self._leaving = worker
            worker.retire(link.close)
        await self._let_go()

    async def probe(self) -> Health:
        """Ask for the module's status. Raises ``DeviceError`` when it does not answer."""
        status = (await self._ask(Command.STATUS)).status
        if status == Status.DONE:
            return READY
        error = self._mine(refusal(Command.STATUS, status))
        if error.code is DeviceCode.SECURITY_MODULE:
            return Health.of(frozenset({Condition.SECURITY_MODULE}))
        raise error

    def info(self) -> DeviceInfo:
        """Return the name plate; the serial number is the security module's, known once it was open."""
        return DeviceInfo(driver="sdt", address=self._port, model="SDT/SAM_A", serial=self._module_id)

    async def wait_card(self) -> None:
        """Look for a card every 300 ms until one is found that has not been read yet."""
        while not await self._find():  # noqa: ASYNC110 - the module has to be asked, it never speaks first
            await asyncio.sleep(POLL_INTERVAL_S)

    async def read(self) -> IdentityCard:
        """Select and read the card that was found. See the port for what it raises."""
        worker, link = self._require_open()
        if not self._found:
            detail = "no card has been found: call wait_card() first"
            raise self._mine(MediumError(detail, code=DeviceCode.CARD_LIFTED))
        self._found = False  # whatever happens next, the module wants a new find
        blocks = await self._call(worker, _read_blocks, link)
        self._was_read, self._unread = True, False
        try:
            return parse_identity(blocks.text, blocks.photo)
        except DeviceError as error:
            raise self._mine(error) from None
        finally:
            blocks.wipe()

    async def card_present(self) -> bool:
        """Ask for the appended address of the card read last: only a card that still lies there answers.

        A card that was found and could not be read has no such answer: it counts while the module finds it.
        """
        reply = await self._ask(Command.READ_APPENDED)
        reply.wipe()
        if reply.status in MODULE_BROKEN:
            raise self._mine(refusal(Command.READ_APPENDED, reply.status))
        if reply.status in {Status.DONE, Status.ABSENT_ON_CARD}:
            return True
        return self._unread and await self._look_for_card()

    async def card_waiting(self) -> bool:
        """Ask once for a card that has not been read."""
        return await self._find()

    async def wait_removed(self) -> None:
        """Ask every 300 ms whether the card still lies there."""
        while await self.card_present():  # noqa: ASYNC110 - the module has to be asked, it never speaks first
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _find(self) -> bool:
        if self._was_read and not self._lift_rule:
            if await self.card_present():
                return False
            self._was_read = False
        self._found = await self._look_for_card()
        return self._found

    async def _look_for_card(self) -> bool:
        status = (await self._ask(Command.FIND)).status
        if status not in {Status.FOUND, Status.NO_CARD}:
            raise self._mine(refusal(Command.FIND, status))
        self._unread = status == Status.FOUND
        return self._unread

    async def _ask(self, command: Command) -> Reply:
        worker, link = self._require_open()
        return await self._call(worker, link.ask, command)

    def _require_open(self) -> tuple[BlockingWorker, SdtLink]:
        if self._worker is None or self._link is None:
            raise self._mine(DeviceUnavailable("reader is closed: call open() first", code=DeviceCode.CLOSED))
        return self._worker, self._link

    async def _call(self, worker: BlockingWorker, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn`` in the device's thread; its errors leave with the device's name."""
        try:
            return await worker.call(fn, *args, **kwargs)
        except DeviceError as error:
            self._mine(error)
            raise

    def _mine(self, error: E) -> E:
        error.device = self._name
        return error

    async def _let_go(self) -> None:
        if self._leaving is not None:
            await self._leaving.close()
            self._leaving = None


def _start(link: SdtLink, rf_block: int) -> str:
    """Open the link, insist on a sound module and return its number; in the device's thread."""
    module_id = link.open()
    _demand(link, Command.STATUS)
    if rf_block:
        _demand(link, Command.SET_MAX_RF, bytes([rf_block]))
    return module_id


def _read_blocks(link: SdtLink) -> CardBlocks:
    """Select and read; in the device's thread. The caller wipes the blocks."""
    _demand(link, Command.SELECT)
    reply = _demand(link, Command.READ)
    try:
        return split_blocks(reply.data)
    finally:
        reply.wipe()


def _demand(link: SdtLink, command: Command, data: bytes = b"") -> Reply:
    """Ask ``command`` and accept nothing but success."""
    reply = link.ask(command, data)
    if reply.status == Status.RANDOM_FAILED:
        reset = link.ask(Command.RESET)
        if reset.status != Status.DONE:
            raise refusal(Command.RESET, reset.status)
    if reply.status != Status.DONE:
        raise refusal(command, reply.status)
    return reply
