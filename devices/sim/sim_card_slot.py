"""The driver of the simulated motorised card slot (``card_slot_machine``); for demo and lab profiles only."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from devices.card_reader import ChipCard
from devices.card_slot import CardPosition, CardSlot
from devices.chip import apdu
from devices.device import DeviceInfo
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
from devices.health import Condition, Health

if TYPE_CHECKING:
    from devices.chip import Dialogue

T = TypeVar("T")
E = TypeVar("E", bound=DeviceError)

CONNECT_TIMEOUT_S: Final = 2.0
ANSWER_TIMEOUT_S: Final = 5.0  # a question may have to wait for a movement to end
MOVE_TIMEOUT_S: Final = 10.0  # a real track takes two seconds at most
LINE_MAX: Final = 300_000  # an extended answer in hexadecimal


class SimCardSlot(CardSlot):
    """A slot at the Unix socket ``address``."""

    def __init__(self, name: str, address: str) -> None:
        self._name = name
        self._address = address
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._numbers = itertools.count(1)
        self._turn = asyncio.Lock()  # one question at a time

    async def open(self) -> None:
        """Connect and ask for the state; a card stays where it is. Raises ``DeviceError``."""
        if self._stream is not None:
            return
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                self._stream = await asyncio.open_unix_connection(self._address, limit=LINE_MAX)
        except OSError as error:  # a TimeoutError is one
            raise self._mine(DeviceUnavailable(f"cannot reach {self._address}: {type(error).__name__}")) from None
        try:
            await self._state()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Hang up; a card stays where it is. Never raises."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream[1].transport.abort()  # nothing unsent is worth waiting for
            with contextlib.suppress(OSError):
                await stream[1].wait_closed()

    async def probe(self) -> Health:
        """Ask for jam and full bin. Raises ``DeviceError`` when there is no answer."""
        state = await self._state()
        found = {Condition.CARD_JAM} if state.get("position") == CardPosition.JAMMED else set()
        found |= {Condition.RETAIN_BIN_FULL} if state.get("bin_full") else set()
        return Health.of(frozenset(found))

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="sim-card-slot", address=self._address, model="simulated card slot")

    async def accept(self) -> ChipCard | None:
        """Open the shutter until a card is inside. A card forgotten at the mouth is drawn in again."""
        try:
            answer = await self._ask("admit", limit_s=None, moves=True)
        except asyncio.CancelledError:
            if self._stream is not None:
                self._send("present")  # whatever is half in, or in and not told of, goes back to the mouth
            raise
        if answer["end"] != "in":
            self._refuse(answer)
        atr = answer.get("atr")
        return None if atr is None else ChipCard(atr=bytes.fromhex(atr), contactless=False)

    async def present(self) -> None:
        """Move the card to the mouth. Nothing in the slot is no error."""
        self._demand(await self._ask("present", limit_s=MOVE_TIMEOUT_S, moves=True))

    async def wait_taken(self) -> None:
        """Wait until the mouth is empty; the machine tells."""
        self._demand(await self._ask("taken", limit_s=None))

    async def retain(self) -> None:
        """Move the card into the bin; one at the mouth is drawn in first."""
        self._demand(await self._ask("retain", limit_s=MOVE_TIMEOUT_S, moves=True))

    async def position(self) -> CardPosition:
        """Ask where the card is, once the track is at rest."""
        said = (await self._state()).get("position")
        return next((position for position in CardPosition if position == said), CardPosition.UNKNOWN)

    async def retained(self) -> int:
        """Return the machine's own count."""
        said = (await self._state()).get("retained")
        if not isinstance(said, int):
            raise self._mine(DeviceProtocolError("machine does not count its cards"))
        return said

    async def converse(self, dialogue: Dialogue[T]) -> T:
        """Run the dialogue with the chip of the card inside. See the port for what it raises."""
        try:
            command = next(dialogue)
            while True:
                command = dialogue.send(await self._whole(command))
        except StopIteration as end:
            result: T = end.value
            return result
        except DeviceError as error:
            raise self._mine(error) from None
        finally:
            dialogue.close()

    async def _whole(self, command: bytes) -> bytes:
        steps = apdu.resolve(command, t0=False)
        raw = next(steps)
        while True:
            answer = await self._ask("apdu", limit_s=ANSWER_TIMEOUT_S, data=raw.hex())
            self._demand(answer)
            try:
                raw = steps.send(bytes.fromhex(answer["data"]))
            except StopIteration as end:
                whole: bytes = end.value
                return whole

    async def _state(self) -> dict[str, Any]:
        return await self._ask("state", limit_s=ANSWER_TIMEOUT_S)

    async def _ask(self, do: str, *, limit_s: float | None, moves: bool = False, **more: str) -> dict[str, Any]:
        """Send a command and return its answer; ``moves``: losing it leaves open where the card is."""
        async with self._turn:
            number = self._send(do, **more)
            try:
                async with asyncio.timeout(limit_s):
                    return await self._answer(number)
            except TimeoutError:
                detail = f"no answer to {do} within {limit_s:g} s"
                lost: DeviceError = OutcomeUnknown(detail, job=do) if moves else DeviceTimeout(detail)
            except (OSError, EOFError) as error:
                detail = f"line broke during {do}: {type(error).__name__}"
                lost = OutcomeUnknown(detail, job=do) if moves else DeviceUnavailable(detail)
            raise self._mine(lost)

    def _send(self, do: str, **more: str) -> int:
        """Send a command and return its number; answers to earlier ones are let pass."""
        if self._stream is None:
            raise self._mine(DeviceUnavailable("slot is closed: call open() first", code=DeviceCode.CLOSED))
        number = next(self._numbers)
        self._stream[1].write(json.dumps({"n": number, "do": do, **more}).encode() + b"\n")
        return number

    async def _answer(self, number: int) -> dict[str, Any]:
        if self._stream is None:
            raise EOFError
        reader = self._stream[0]
        while True:
            try:
                line = await reader.readline()
                if not line.endswith(b"\n"):
                    raise EOFError
                answer: dict[str, Any] = json.loads(line)
                if answer["n"] == number:
                    return answer
            except (ValueError, KeyError, TypeError):
                raise self._mine(DeviceProtocolError("line makes no sense")) from None

    def _demand(self, answer: dict[str, Any]) -> None:
        if answer["end"] != "ok":
            self._refuse(answer)

    def _refuse(self, answer: dict[str, Any]) -> NoReturn:
        match answer["end"]:
            case "jam":
                error: DeviceError = DeviceFault("a card is stuck", code=DeviceCode.CARD_JAM)
            case "bin_full":
                error = DeviceFault("retain bin is full, the card stays", code=DeviceCode.RETAIN_BIN_FULL)
            case "inside":
                detail = "a card is inside: call present() or retain() first"
                error = DeviceUnavailable(detail, code=DeviceCode.BUSY)
            case "empty":
                error = MediumError("no card is inside: call accept() first", code=DeviceCode.CARD_LIFTED)
            case "no_card":
                detail = "what was pushed in is no card: it was given back"
                error = MediumError(detail, code=DeviceCode.CARD_UNREADABLE)
            case "no_chip":
                error = MediumError("card has no chip that answers", code=DeviceCode.CARD_UNREADABLE)
            case _:
                error = DeviceProtocolError("answer does not fit the question")
        raise self._mine(error)

    def _mine(self, error: E) -> E:
        error.device = self._name
        return error
