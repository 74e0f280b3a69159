"""The terminal's end of the line: whole messages of a known kind and a bounded length, or the end of their sender."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from devices.hosted.frames import HEAD, Kind
from devices.hosted.shapes import WireError
from devices.values import overwrite

if TYPE_CHECKING:
    from collections.abc import Callable


class Link(asyncio.BufferedProtocol):
    """Reads into one buffer a message, made after its announced length was checked, overwritten after its use."""

    def __init__(
        self,
        on_message: Callable[[Kind, int, memoryview], None],
        limit_of: Callable[[Kind, int], int],
        on_breach: Callable[[str], None],
        on_end: Callable[[], None],
    ) -> None:
        """``on_message`` and ``limit_of`` may raise ``WireError``: ``on_breach`` is told, and nothing after it is read.

        ``on_end``: the line has closed.
        """
        self._on_message, self._limit_of = on_message, limit_of
        self._on_breach, self._on_end = on_breach, on_end
        self._head = bytearray(HEAD.size)
        self._body: bytearray | None = None
        self._of = (Kind.BEAT, 0)
        self._filled = 0
        self.heard = time.monotonic()  # when the last byte came

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return what is still to be filled."""
        del sizehint
        return memoryview(self._head if self._body is None else self._body)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Count what came, and hand over what is whole."""
        self.heard = time.monotonic()
        self._filled += nbytes
        try:
            if self._body is None and self._filled == HEAD.size:
                self._begin()
            if self._body is not None and self._filled == len(self._body):
                self._finish(self._body)
        except WireError as error:
            self._on_breach(f"it broke the protocol: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the line has ended."""
        del exc
        self._forget()
        self._on_end()

    def _begin(self) -> None:
        length, number, call = HEAD.unpack(self._head)
        try:
            kind = Kind(number)
        except ValueError:
            raise WireError("an unknown kind of message") from None
        if length > self._limit_of(kind, call):
            raise WireError(f"{kind.name} of {length} bytes")
        self._of, self._body, self._filled = (kind, call), bytearray(length), 0

    def _finish(self, body: bytearray) -> None:
        kind, call = self._of
        try:
            self._on_message(kind, call, memoryview(body))
        finally:
            self._forget()

    def _forget(self) -> None:
        if self._body is not None:
            overwrite(self._body)
        self._body, self._filled = None, 0
