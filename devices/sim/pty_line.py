"""The machine's end of a serial line: a pseudo-terminal that can be unplugged and comes back at the same path."""

from __future__ import annotations

import asyncio
import os
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BITS_PER_BYTE = 10  # start, eight data bits, stop
TICK_S = 0.005  # the grain of the pacing
READ_CHUNK = 4096


class PtyLine:
    """Bytes at the speed of a real line (a pseudo-terminal has none of its own). Lives on the running event loop.

    ``path`` is a symbolic link to the pseudo-terminal, as ``/dev/serial/by-id`` is one to a real port.
    """

    def __init__(self, path: Path, on_bytes: Callable[[bytes], None], baud: int) -> None:
        self.path = path
        self._on_bytes = on_bytes
        self._bytes_per_tick = max(1, round(baud / BITS_PER_BYTE * TICK_S))
        self._ends: tuple[int, int] | None = None
        self._outgoing = bytearray()
        self._pump: asyncio.TimerHandle | None = None

    @property
    def plugged(self) -> bool:
        """Tell whether the line exists."""
        return self._ends is not None

    def plug(self) -> None:
        """Make the line appear at ``path``. Idempotent."""
        if self._ends is not None:
            return
        # The far end stays open here too: otherwise each close by the driver would look like a hang-up on ours.
        near, far = os.openpty()
        tty.setraw(far)
        os.set_blocking(near, False)
        self._ends = (near, far)
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(far))
        fresh.replace(self.path)
        asyncio.get_running_loop().add_reader(near, self._receive)

    def unplug(self) -> None:
        """Make the line vanish: whoever has it open sees it hang up. Idempotent."""
        if self._ends is None:
            return
        self.path.unlink(missing_ok=True)
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        self._outgoing.clear()
        near, far = self._ends
        self._ends = None
        asyncio.get_running_loop().remove_reader(near)
        os.close(near)
        os.close(far)

    def send(self, data: bytes) -> None:
        """Send ``data`` after all earlier bytes, at the line's speed. Lost when unplugged."""
        if self._ends is None:
            return
        self._outgoing += data
        if self._pump is None:
            self._send_some()

    def _send_some(self) -> None:
        self._pump = None
        if self._ends is None or not self._outgoing:
            return
        try:
            sent = os.write(self._ends[0], self._outgoing[: self._bytes_per_tick])
        except BlockingIOError:  # nobody reads at the far end and its queue is full: the line waits
            sent = 0
        del self._outgoing[:sent]
        self._pump = asyncio.get_running_loop().call_later(TICK_S, self._send_some)

    def _receive(self) -> None:
        if self._ends is not None:
            self._on_bytes(os.read(self._ends[0], READ_CHUNK))
