"""Words the real ``ippeveprinter`` does not have, put into its answers: a panel between it and whoever asks.

Everything passes unchanged but the printer attributes of Get-Printer-Attributes, where those set here replace its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from devices.sim.ippeve.paper_path import attribute

if TYPE_CHECKING:
    from collections.abc import Iterator

GET_PRINTER_ATTRIBUTES = 0x000B
PRINTER_GROUP, END = 0x04, 0x03
LAST_DELIMITER = 0x0F
INTEGER, KEYWORD, OCTETS, TEXT = 0x21, 0x44, 0x30, 0x41
NONE = b"\x00\x04none"  # a keyword's length and itself
HEAD = 8  # version, status, request id


class FrontPanel:
    """A printer address on loopback that leads to ``target``; lives inside ``async with``."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._said: dict[str, bytes] = {}
        self._added: dict[str, tuple[str, ...]] = {}
        self._port = 0  # kept from one plugging in to the next
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    @property
    def uri(self) -> str:
        """Return the address to give to a driver."""
        if not self._port:
            raise RuntimeError("not switched on")
        return f"ipp://127.0.0.1:{self._port}{self._target.path}"

    def say(self, name: str, *values: str | int | bytes) -> None:
        """Answer ``name`` with these values instead of the printer's own; with none, as the printer does."""
        tagged = b"".join(
            attribute(_tag(name, value), name if index == 0 else "", _raw(value)) for index, value in enumerate(values)
        )
        if values:
            self._said[name] = tagged
        else:
            self._said.pop(name, None)

    def add(self, name: str, *keywords: str) -> None:
        """Answer ``name`` with these values beside the printer's own."""
        self._added[name] = keywords

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            request = await reader.readexactly(_length(head))
            answers, far = await asyncio.open_connection("127.0.0.1", self._target.port)
            far.write(head + request)
            far.write_eof()  # the printer keeps connections open whatever the head says
            said = await answers.read()
            if int.from_bytes(request[2:4], "big") == GET_PRINTER_ATTRIBUTES:
                said = self._answer(said)
            writer.write(said)
            await writer.drain()
        for end in (writer, far):
            if end is not None:
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()

    def _answer(self, said: bytes) -> bytes:
        _, _, body = said.partition(b"\r\n\r\n")
        pieces = list(_pieces(body))
        for name, keywords in self._added.items():
            pieces = _beside(pieces, name, keywords)
        kept = [piece for name, piece in pieces if name not in self._said]
        if bytes([PRINTER_GROUP]) not in kept:
            kept.append(bytes([PRINTER_GROUP]))  # it had nothing to say of what was asked
        fresh = body[:HEAD] + b"".join(kept) + b"".join(self._said.values()) + bytes([END])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: {len(fresh)}\r\n\r\n"
        return head.encode("ascii") + fresh


def _pieces(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each attribute value with the name it belongs to, and each group tag, up to the end of the attributes."""
    at, name, depth = HEAD, "", 0
    while body[at] != END:
        if body[at] <= LAST_DELIMITER:
            name, piece = "", body[at : at + 1]
        else:
            (named,) = struct.unpack_from(">H", body, at + 1)
            (long,) = struct.unpack_from(">H", body, at + 3 + named)
            if named and not depth:
                name = body[at + 3 : at + 3 + named].decode("ascii")
            depth += {0x34: 1, 0x37: -1}.get(body[at], 0)
            piece = body[at : at + 5 + named + long]
        yield name, piece
        at += len(piece)


def _beside(pieces: list[tuple[str, bytes]], name: str, keywords: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """Put keywords after an attribute's own values, or in the place of ``none``; where it is not told, nowhere."""
    own = [index for index, (named, _) in enumerate(pieces) if named == name]
    if not own or not keywords:
        return pieces
    none = pieces[own[0]][1].endswith(NONE)
    kept, end = own[0] if none else own[-1] + 1, own[-1] + 1
    fresh = [
        (name, attribute(KEYWORD, name if none and not index else "", keyword.encode("ascii")))
        for index, keyword in enumerate(keywords)
    ]
    return [*pieces[:kept], *fresh, *pieces[end:]]


def _length(head: bytes) -> int:
    lines = head.decode("ascii").split("\r\n")
    return int(next(line for line in lines if line.lower().startswith("content-length:")).split(":")[1])


def _tag(name: str, value: str | int | bytes) -> int:
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, bytes):
        return OCTETS
    return KEYWORD if name.endswith(("-reasons", "-types", "-supported")) else TEXT


def _raw(value: str | int | bytes) -> bytes:
    if isinstance(value, int):
        return struct.pack(">i", value)
    return value if isinstance(value, bytes) else value.encode("utf-8")
