"""Chip card readers by PC/SC: contact and contactless, whoever made them, as long as ``pcscd`` drives them."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from devices.blocking import BlockingWorker
from devices.card_reader import CardReader, ChipCard
from devices.device import DeviceInfo
from devices.errors import DeviceCode, DeviceError, DeviceTimeout, DeviceUnavailable, MediumError
from devices.health import READY, Health
from devices.transport.pcsc import PcscReader, use_service

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue
    from devices.transport.pcsc import SlotState

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=DeviceError)

ANSWER_TIMEOUT_S = 10.0  # a chip that computes asks its reader for more time; this is for one that went silent
CONVERSATION_S = 120.0  # the longest honest one, a passport's large picture over a slow antenna, takes some 20
CLOSE_PATIENCE_S = 0.4  # a transmission cannot be broken off: its thread ends when the reader gives it up

_log = logging.getLogger(__name__)


class PcscCardReader(CardReader):
    """One slot of a reader that the PC/SC service knows.

    ``reader`` is a regular expression found in exactly one of the names that ``pcsc_scan -r`` lists: a reader with
    contacts and an antenna has a name for each. ``contactless`` tells which of the two this one is.
    ``service``: the Unix socket of a service that is not the machine's own; all readers of a process have the same.
    """

    def __init__(self, name: str, reader: str = "", contactless: bool = False, service: str = "") -> None:
        self._name = name
        try:
            self._pattern = re.compile(reader)
        except re.error as error:
            raise ValueError(f"reader {reader!r} is no regular expression: {error}") from None
        if service:
            use_service(service)
        self._contactless = contactless
        self._model = ""
        self._worker: BlockingWorker | None = None
        self._link: PcscReader | None = None
        self._leaving: list[BlockingWorker] = []  # stuck in a call, or of an open() that was cancelled
        self._found: SlotState | None = None  # the card that wait_card() told of

    async def open(self) -> None:
        """Reach the service and find the reader. Raises ``DeviceUnavailable`` naming what readers there are."""
        if self._worker is not None:
            return
        await self._let_go()
        worker, link = self._make()
        try:
            self._model = await self._call(worker, link.open)
        except BaseException as error:
            worker.retire(link.close)
            self._leaving.append(worker)
            if not isinstance(error, asyncio.CancelledError):  # a caller who has left waits for nothing
                await self._let_go()
            raise
        self._worker, self._link = worker, link
        self._found = None

    async def close(self) -> None:
        """Let go of the reader and end the thread. Never raises."""
        worker, link = self._worker, self._link
        self._worker = self._link = None
        self._found = None
        if worker is not None and link is not None:
            worker.retire(link.close)
            self._leaving.append(worker)
        await self._let_go()

    async def probe(self) -> Health:
        """Ask the service whether the reader answers. Raises ``DeviceUnavailable``."""
        await self._state()
        return READY

    def info(self) -> DeviceInfo:
        """Return the name plate; makers put the serial number into the reader's name."""
        return DeviceInfo(driver="pcsc", address=self._pattern.pattern or "any", model=self._model)

    async def wait_card(self) -> ChipCard:
        """Wait for a card that this did not return, or complain of, before; lifting makes it new again."""
        worker, link = self._require_open()
        told = self._found
        found = await self._call(
            worker, link.wait, lambda state: state.present and not (told is not None and state.same_card(told))
        )
        self._found = found
        if not found.answers:
            raise self._mine(MediumError("chip does not answer: upside down, or none", code=DeviceCode.CARD_UNREADABLE))
        return ChipCard(atr=found.atr, contactless=self._contactless)

    async def card_present(self) -> bool:
        """Ask the service."""
        return (await self._state()).present

    async def wait_removed(self) -> None:
        """Wait until no card is there, or was between two looks."""
        worker, link = self._require_open()
        before = await self._call(worker, link.state)
        await self._call(worker, link.wait, lambda state: not state.same_card(before))

    async def converse(self, dialogue: Dialogue[T]) -> T:
        """Run ``dialogue`` with the card in the device's thread, the card for us alone and reset afterwards.

        Raises ``MediumError`` (lifted, unreadable, what the dialogue finds), ``DeviceTimeout`` for a chip silent for
        ``ANSWER_TIMEOUT_S`` or not done in ``CONVERSATION_S`` (one that answers a few bytes at a time could keep the
        slot for days), ``DeviceUnavailable`` (gone; ``BUSY``: another program has the card),
        ``DeviceProtocolError``.
        """
        try:
            worker, link = self._require_open()
        except DeviceError:
            dialogue.close()
            raise
        loop = asyncio.get_running_loop()
        ends = loop.time() + CONVERSATION_S
        limit = asyncio.timeout(ANSWER_TIMEOUT_S)
        running = True

        def renew() -> None:
            if running and not limit.expired():
                limit.reschedule(min(loop.time() + ANSWER_TIMEOUT_S, ends))

        try:
            async with limit:
                return await self._call(worker, _converse, link, dialogue, lambda: loop.call_soon_threadsafe(renew))
        except TimeoutError:
            if not limit.expired():
                raise
            self._abandon(worker, link)
            if loop.time() >= ends:
                raise self._mine(DeviceTimeout(f"chip is not done after {CONVERSATION_S:g} s")) from None
            raise self._mine(DeviceTimeout(f"chip is silent for {ANSWER_TIMEOUT_S:g} s")) from None
        finally:
            running = False

    async def _state(self) -> SlotState:
        worker, link = self._require_open()
        return await self._call(worker, link.state)

    def _make(self) -> tuple[BlockingWorker, PcscReader]:
        worker = BlockingWorker(self._name)
        return worker, PcscReader(self._pattern, stopping=lambda: worker.stopping)

    def _abandon(self, stuck: BlockingWorker, link: PcscReader) -> None:
        """Go on with a new thread and a new line to the service; the stuck one ends when its call does."""
        stuck.retire(link.close)
        self._leaving.append(stuck)
        if self._worker is stuck:
            self._worker, self._link = self._make()

    def _require_open(self) -> tuple[BlockingWorker, PcscReader]:
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
        leaving, self._leaving = self._leaving, []
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                await asyncio.gather(*(worker.close() for worker in leaving))
        except TimeoutError:
            _log.warning(
                "device %s: a call to the PC/SC service goes on; its thread ends when the call does", self._name
            )


def _converse(link: PcscReader, dialogue: Dialogue[T], renew: Callable[[], object]) -> T:
    """Lead the conversation from end to end, calling ``renew`` before each command; in the device's thread."""
    try:
        link.connect()
        command = next(dialogue)
        while True:
            renew()
            command = dialogue.send(link.exchange(command))
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        dialogue.close()
        link.disconnect()
