"""One life of a driver's process: from its start, through its calls, to its end, which somebody may have brought about.

Whatever it does to itself shows as one of: its end (the kernel tells), a silence (it beats ten times a second), bytes
that are none of the protocol, a flood of print, a call past its deadline. Each ends it, for good and at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from typing import TYPE_CHECKING, Any, Final

from devices.errors import (
    DeviceCode,
    DeviceError,
    DeviceProtocolError,
    DeviceUnavailable,
    OutcomeUnknown,
    forget_frames,
)
from devices.hosted.allowance import Allowance
from devices.hosted.calls import CHANGES_STATE, STARTS_ANEW, bug
from devices.hosted.frames import (
    ANSWER,
    CALLED,
    COMMAND,
    LIMITS,
    MILLISECONDS,
    PROBLEMS,
    SNAPSHOT,
    Kind,
    error_from,
    framed,
)
from devices.hosted.link import Link
from devices.hosted.pending import Hearers, Pending, crossing, named, spoken
from devices.hosted.process import MADE_LIMIT_S, DriverProcess
from devices.hosted.pulse import Pulse
from devices.hosted.schema import decoded, encoded
from devices.hosted.shapes import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.hosted.calls import Call
    from devices.hosted.process import Order

CANCEL_WAIT_S: Final = 0.45  # the ports promise half a second; a printer needs most of it to withdraw a job
LINE_CLOSED: Final = "its line closed"
END_TOLD_S: Final = 0.1  # between the two signs of an end; a process it left behind may hold the line open
CANCEL_LIMIT_S: Final = 2.0  # a device that hangs is given up within two seconds
UNASKED_BURST: Final = 2000  # messages; a document of as many sheets tells its progress in so many
UNASKED_RATE: Final = 100.0  # a second; it beats ten times
UNASKED_SIZE: Final = 64  # bytes; a longer one counts for as many as it takes the core time
SOON_S: Final = 4.8  # a question that waits for nobody; the manager gives a probe five seconds
ANSWERED_SOON: Final = frozenset(
    {"probe", "card_present", "card_waiting", "position", "retained", "states", "state", "show", "stop", "silence"}
)

_log = logging.getLogger(__name__)


class Life:
    """One process and its calls. Belongs to the loop it is started on; :meth:`end` in any case."""

    def __init__(self, order: Order, calls: Mapping[str, Call], hearers: Hearers) -> None:
        self._order, self._calls, self._hearers = order, calls, hearers
        self._pending: dict[int, Pending] = {}
        self._numbers = itertools.count(1)
        self._unasked = Allowance(UNASKED_BURST, UNASKED_RATE)
        self._ending = False
        self._signs: list[str] = []  # of its end
        self.lost: DeviceError | None = None

    async def start(self) -> None:
        """Start the process and let it make the driver. Raises ``DeviceError``."""
        message, name = self._order.message(), self._order.name
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        try:
            self._process = DriverProcess(name, self._hear_end, lambda: self._lose("it printed without end"))
        except OSError as error:
            raise DeviceUnavailable(f"no process for the driver: {type(error).__name__}", device=name) from None
        self._link = Link(self._hear, self._limit_of, self._lose, lambda: self._hear_end(LINE_CLOSED))
        self._transport, _ = await loop.create_connection(lambda: self._link, sock=self._process.wire)
        self._pulse = Pulse(self._process.pid, self._link, lambda: self._lose("it hangs"))
        self._transport.write(message)
        try:
            async with asyncio.timeout(MADE_LIMIT_S):
                await self._ready
        except TimeoutError:
            self._lose(f"not loaded within {MADE_LIMIT_S:g} s")
        if self.lost is not None:
            raise self.lost
        self._pulse.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def ask(self, name: str, given: Mapping[str, Any], wait_s: float = CANCEL_WAIT_S) -> Any:
        """Let the driver do ``name`` and return its answer. Raises ``DeviceError``.

        A cancelled caller waits ``wait_s`` at most for the driver's own end of the call.
        """
        if self.lost is not None:
            raise self._same(self.lost)
        call = self._calls[name]
        if name in STARTS_ANEW:
            for each in self._pending.values():
                each.stale = each.left
        loop = asyncio.get_running_loop()
        pending = Pending(call, loop.create_future(), **spoken(call, given))
        arguments = tuple(crossing(parameter, given[parameter.name]) for parameter in call.parameters)
        await self._earlier(name)
        if self.lost is not None:  # meanwhile, often by what was waited for: nobody would end this call any more
            raise self._same(self.lost)
        number = next(self._numbers)
        self._pending[number] = pending
        too_late = f"{name}: no answer within {SOON_S:g} s"
        deadline = loop.call_later(SOON_S, self._lose, too_late) if name in ANSWERED_SOON else None
        message = encoded(CALLED, (name, arguments))
        self._transport.write(framed(Kind.CALL, number, message.bytes))
        try:
            await asyncio.wait({pending.answer})  # not awaited itself: a cancelled caller would cancel it
            return pending.answer.result()
        except asyncio.CancelledError:
            if pending.answer.done():
                pending.answer.exception()  # nobody is left to raise it to
            else:
                await self._leave(number, pending, wait_s)
            raise
        finally:
            if deadline is not None:
                deadline.cancel()
            if pending.dialogue is not None:
                pending.dialogue.close()

    async def end(self) -> None:
        """End the process; calls still under way end with an error. Idempotent, never raises."""
        self._ending = True
        if not hasattr(self, "_process"):
            return
        self._lose("closed")
        await self._process.end()

    # --- what the process says -------------------------------------------------------------------------------------

    def _limit_of(self, kind: Kind, number: int) -> int:
        if kind is Kind.RESULT:
            return self._under_way(number).call.limit
        if kind not in LIMITS:
            raise WireError(f"{kind.name} comes from the terminal")
        return LIMITS[kind]

    def _under_way(self, number: int) -> Pending:
        if number not in self._pending:
            raise WireError("an answer to nothing")
        return self._pending[number]

    def _hear(self, kind: Kind, number: int, body: memoryview) -> None:
        if kind in {Kind.BEAT, Kind.READY, Kind.TOLD} and not self._unasked.take(1 + len(body) // UNASKED_SIZE):
            raise WireError("messages without end")
        match kind:
            case Kind.BEAT:
                self._pulse.beat(decoded(MILLISECONDS, body) / 1000)
            case Kind.READY:
                self._hearers.snapshot(dict(decoded(SNAPSHOT, body)))
                if not self._ready.done():
                    self._ready.set_result(None)
            case Kind.REFUSED:
                self._lose("; ".join(decoded(PROBLEMS, body)))
            case Kind.TOLD:
                self._told(self._under_way(number), body)
            case Kind.ANSWER:
                self._chip_said(number, decoded(ANSWER, body))
            case _:
                self._over(number, kind, body)

    def _told(self, pending: Pending, body: memoryview) -> None:
        parameter = pending.call.told
        if parameter is None or parameter.shape is None:
            raise WireError("progress of a call that has none")
        value = decoded(parameter.shape, body)
        pending.job = str(getattr(value, "job", "")) or pending.job
        if pending.tell is not None and not pending.left:
            pending.tell(value)

    def _chip_said(self, number: int, answer: bytes | None) -> None:
        pending = self._under_way(number)
        if pending.dialogue is None or pending.over or (answer is None) == pending.begun:
            raise WireError("a chip's answer out of turn")
        pending.begun = True
        try:
            command = next(pending.dialogue) if answer is None else pending.dialogue.send(answer)
        except StopIteration as end:
            pending.over, pending.returned = True, end.value
        except Exception as error:  # noqa: BLE001 - not swallowed: raised at the caller of the dialogue
            forget_frames(error)
            pending.over, pending.raised = True, error
            if isinstance(error, DeviceError) and not error.device:
                error.device = self._order.name
        else:
            self._transport.write(framed(Kind.COMMAND, number, encoded(COMMAND, command).bytes))
            return
        self._transport.write(framed(Kind.DIALOGUE_OVER, number))

    def _over(self, number: int, kind: Kind, body: memoryview) -> None:
        pending = self._under_way(number)
        call = pending.call
        if kind is Kind.RESULT:
            self._result(pending, body)
        elif pending.raised is not None:
            pending.fail(pending.raised)
        elif kind is Kind.ERROR:
            pending.fail(named(error_from(body, self._order.name), pending.job))
        else:
            pending.fail(named(bug(call.name, "cancelled itself", self._order.name), pending.job))
        del self._pending[number]

    def _result(self, pending: Pending, body: memoryview) -> None:
        call = pending.call
        if call.result is None:
            if pending.raised is not None:
                pending.fail(pending.raised)
            elif pending.over:
                pending.finish(pending.returned)
            else:
                pending.fail(DeviceProtocolError(f"{call.name} ended before its dialogue", device=self._order.name))
        elif not pending.left:
            pending.finish(decoded(call.result, body))
        else:  # not even read, unless it must not be lost: it may be a person's
            if call.none_lost and not pending.stale:
                self._hearers.late(call.name, decoded(call.result, body))
            pending.finish(None)

    # --- ends ------------------------------------------------------------------------------------------------------

    async def _earlier(self, name: str) -> None:
        """Wait until the driver has really ended an earlier call of the same name, whose caller left."""
        leaving = {each.answer for each in self._pending.values() if each.left and each.call.name == name}
        if leaving:
            await asyncio.wait(leaving)  # bounded: what does not end is killed

    async def _leave(self, number: int, pending: Pending, wait_s: float) -> None:
        pending.left = True
        if self.lost is not None:
            return
        self._transport.write(framed(Kind.CANCEL, number))
        limit = asyncio.get_running_loop().call_later(
            CANCEL_LIMIT_S, self._lose, f"{pending.call.name} did not end when cancelled"
        )
        pending.answer.add_done_callback(lambda _: limit.cancel())
        await asyncio.wait({pending.answer}, timeout=wait_s)

    def _hear_end(self, how: str) -> None:
        """Take one of the two signs that it ended: the kernel's word, and the end of the line after its last message.

        A message that is still on its way may name the job that has to be asked about.
        """
        self._signs.append(how)
        if len(self._signs) > 1:
            self._lose(next(sign for sign in self._signs if sign != LINE_CLOSED))
        else:
            asyncio.get_running_loop().call_later(END_TOLD_S, self._lose, how)

    def _lose(self, why: str) -> None:
        """Give the process up. The first reason counts."""
        if self.lost is not None:
            return
        name = self._order.name
        code = DeviceCode.CLOSED if self._ending else DeviceCode.DRIVER_CRASHED
        detail = "closed: call open() first" if self._ending else f"the driver's process was lost: {why}"
        self.lost = DeviceUnavailable(detail, code=code, device=name)
        self._process.kill()
        with contextlib.suppress(AttributeError):  # it may end before it has a line or a pulse
            self._pulse.stop()
            self._transport.abort()
        if not self._ready.done():
            self._ready.set_result(None)
        for pending in self._pending.values():
            pending.fail(self._cut_off(pending))
        self._pending.clear()
        if not self._ending:
            _log.error("device %s: driver process %d was lost: %s", name, self._process.pid, why)
            self._hearers.lost(self.lost)

    def _cut_off(self, pending: Pending) -> DeviceError:
        assert self.lost is not None  # noqa: S101 - for the type checker: set by the only caller
        if pending.call.name in CHANGES_STATE:
            detail = f"{pending.call.name} was cut off: {self.lost.detail}"
            return OutcomeUnknown(detail, job=pending.job, device=self._order.name)
        return self._same(self.lost)

    def _same(self, error: DeviceError) -> DeviceError:
        """Return the error anew: one raised twice would carry both its callers' frames."""
        return DeviceUnavailable(error.detail, code=error.code, device=error.device)
