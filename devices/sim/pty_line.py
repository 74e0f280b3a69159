"""The machine's end of a serial line: a pseudo-terminal that can be unplugged and comes back at the same path."""

from __future__ import annotations

import asyncio
import os
import tty
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BITS_PER_BYTE = 10  # start, eight data bits, stop
TICK_S = 0.005  # the grain of the pacing
READ_CHUNK = 4096


class PtyLine:
    """Bytes at the speed of a real line (a pseudo-terminal has none of its own). Lives on the running event loop.

    No byte arrives before its time, either way, and none much later: each moment is counted from the beginning of the
    sending, so that the loop's lateness does not add up. ``path`` is a symbolic link to the pseudo-terminal, as
    ``/dev/serial/by-id`` is one to a real port.
    """

    def __init__(self, path: Path, on_bytes: Callable[[bytes], None], baud: int) -> None:
        self.path = path
        self._on_bytes = on_bytes
        self._byte_s = BITS_PER_BYTE / baud
        self._bytes_per_tick = max(1, round(TICK_S / self._byte_s))
        self._ends: tuple[int, int] | None = None
        self._outgoing = bytearray()
        self._free_at = 0.0  # by the loop's clock: when the last byte that was sent is through
        self._pump: asyncio.TimerHandle | None = None
        self._incoming: deque[bytes] = deque()
        self._heard_at = 0.0  # ... when the last byte that was received is through
        self._delivery: asyncio.TimerHandle | None = None

    @property
    def port(self) -> str:
        """Return the path a driver opens."""
        return str(self.path)

    @property
    def plugged(self) -> bool:
        """Tell whether the line exists."""
        return self._ends is not None

    @property
    def busy(self) -> bool:
        """Tell whether something is still being sent."""
        return bool(self._outgoing)

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
        for timer in (self._pump, self._delivery):
            if timer is not None:
                timer.cancel()
        self._pump = self._delivery = None
        self._outgoing.clear()
        self._incoming.clear()
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
            self._free_at = max(self._free_at, asyncio.get_running_loop().time())
            self._await_some()

    def _await_some(self) -> None:
        """Wait for the moment when the next few bytes are through."""
        count = min(len(self._outgoing), self._bytes_per_tick)
        self._free_at += count * self._byte_s
        self._pump = asyncio.get_running_loop().call_at(self._free_at, self._send_some, count)

    def _send_some(self, count: int) -> None:
        self._pump = None
        if self._ends is None:
            return
        try:
            sent = os.write(self._ends[0], self._outgoing[:count])
        except BlockingIOError:  # nobody reads at the far end and its queue is full: the line waits
            sent = 0
        del self._outgoing[:sent]
        if self._outgoing:
            self._await_some()

    def _receive(self) -> None:
        """Take what the host sent; it is heard when a real line would be through with it."""
        if self._ends is None:
            return
        data = os.read(self._ends[0], READ_CHUNK)
        loop = asyncio.get_running_loop()
        self._heard_at = max(self._heard_at, loop.time()) + len(data) * self._byte_s
        self._incoming.append(data)
        if self._delivery is None:
            self._delivery = loop.call_at(self._heard_at, self._deliver)

    def _deliver(self) -> None:
        self._delivery = None
        self._on_bytes(self._incoming.popleft())
        if self._incoming and self._ends is not None:
            self._delivery = asyncio.get_running_loop().call_at(self._heard_at, self._deliver)
