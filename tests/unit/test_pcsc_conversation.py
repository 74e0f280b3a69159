"""A conversation with a chip ends, whatever the chip does to keep it going."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from devices.drivers.pcsc_card_reader import PcscCardReader
from devices.errors import DeviceTimeout, DeviceUnavailable

if TYPE_CHECKING:
    from devices.blocking import BlockingWorker
    from devices.chip import Dialogue


class Stingy:
    """The line to a chip that always answers, a little."""

    def __init__(self, worker: BlockingWorker) -> None:
        self._worker = worker

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...

    def close(self) -> None: ...

    def exchange(self, _: bytes) -> bytes:
        if self._worker.pause(0.01):
            raise DeviceUnavailable("nobody waits")
        return b"\x00\x90\x00"


def endless() -> Dialogue[None]:
    while True:
        yield b"\x00\xb0\x00\x00\x00"


async def test_chip_that_answers_a_byte_at_a_time_does_not_keep_the_slot_for_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each answer renewed the time: a passport of a mebibyte in pieces of 32 bytes lasted ninety hours."""
    monkeypatch.setattr("devices.drivers.pcsc_card_reader.CONVERSATION_S", 0.3)
    reader = PcscCardReader("card_reader")
    worker, _ = reader._make()
    reader._worker, reader._link = worker, Stingy(worker)  # type: ignore[assignment]  # no service: the chip is in memory
    async with asyncio.timeout(5):
        with pytest.raises(DeviceTimeout, match="not done"):
            await reader.converse(endless())
        await reader.close()
    assert not any(thread.name == "dev-card_reader" for thread in threading.enumerate())
