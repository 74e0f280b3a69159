"""A chip-card reader with one card that answers each command with itself and 9000."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from devices.card_reader import CardReader, ChipCard
from devices.device import DeviceInfo
from devices.errors import DeviceCode, DeviceUnavailable, MediumError
from devices.health import READY, Health

if TYPE_CHECKING:
    from devices.chip import Dialogue

T = TypeVar("T")
LIFTED = b"\x00lift"


class ChipReader(CardReader):
    """``in_thread``: run dialogues where blocking libraries run them."""

    def __init__(self, name: str, in_thread: bool = False) -> None:
        self.name = name
        self._in_thread = in_thread
        self._opened = False
        self.conversations = 0

    def info(self) -> DeviceInfo:
        """Return the name plate; it counts, so that a test sees how often a dialogue was begun."""
        return DeviceInfo("acme-chip", "nowhere", serial=str(self.conversations))

    async def open(self) -> None:
        """Be there."""
        self._opened = True

    async def close(self) -> None:
        """Be gone."""
        self._opened = False

    async def probe(self) -> Health:
        """Be well."""
        self._check()
        return READY

    async def wait_card(self) -> ChipCard:
        """Have a card."""
        self._check()
        return ChipCard(b"\x3b\x00", contactless=True)

    async def card_present(self) -> bool:
        """Have a card."""
        self._check()
        return True

    async def wait_removed(self) -> None:
        """Wait for ever."""
        self._check()
        await asyncio.sleep(3600)

    async def converse(self, dialogue: Dialogue[T]) -> T:
        """Echo."""
        self._check()
        self.conversations += 1
        try:
            if self._in_thread:
                return await asyncio.to_thread(self._run, dialogue)
            return self._run(dialogue)
        finally:
            dialogue.close()

    def _run(self, dialogue: Dialogue[T]) -> T:
        try:
            command = next(dialogue)
            while True:
                if command == LIFTED:
                    raise MediumError("lifted", code=DeviceCode.CARD_LIFTED, device=self.name)
                command = dialogue.send(command + b"\x90\x00")
        except StopIteration as end:
            return end.value

    def _check(self) -> None:
        if not self._opened:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self.name)
