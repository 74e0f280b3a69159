"""The client's end of upsd: lines of words over TCP, one answer to each question.

RFC 9271, UPS Management Protocol: Commands and Responses, as Network UPS Tools 2.8 speaks it.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceFault, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from devices.transport.tcp import TcpLink

if TYPE_CHECKING:
    from collections.abc import Callable

REPLY_S: Final = 2.0  # upsd answers from memory; it stands on this machine or on this cabinet's network
LONGEST_LINE: Final = 4096  # bytes; upsd's own limit of a line is far below
_WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
_ESCAPED: Final = re.compile(r"\\(.)")


class Refused(Exception):
    """upsd said ``ERR``; the code is the first argument."""


class NutClient:
    """One connection. A lost one stays lost: close it and open it again. Values are quoted by :func:`quoted`."""

    def __init__(self, host: str, port: int, on_lost: Callable[[], None]) -> None:
        self._link = TcpLink(host, port, on_lost=on_lost)
        self._arrived = bytearray()
        self._turn = asyncio.Lock()
        self._owed = 0  # answers to questions nobody waits for any more

    @property
    def address(self) -> str:
        """Return ``host:port``."""
        return self._link.address

    async def open(self) -> None:
        """Connect. Raises ``DeviceUnavailable``."""
        await self._link.open()

    async def close(self) -> None:
        """Disconnect; never raises."""
        await self._link.close()

    async def ask(self, question: str) -> list[str]:
        """Return the words of the one line that answers ``question``.

        Raises ``Refused``, ``DeviceTimeout``, ``DeviceProtocolError``, ``DeviceUnavailable``.
        """
        return (await self._ask(question, None))[0]

    async def ask_list(self, what: str) -> list[list[str]]:
        """Return the words of each line between ``BEGIN LIST what`` and its end. Raises as :meth:`ask`."""
        return (await self._ask(f"LIST {what}", ["END", "LIST", *what.split()]))[1:-1]

    async def _ask(self, question: str, end: list[str] | None) -> list[list[str]]:
        async with self._turn:
            self._owed += 1
            await self._link.send(question.encode() + b"\n")
            try:
                async with asyncio.timeout(REPLY_S):
                    while self._owed > 1:
                        await self._line()
                        self._owed -= 1
                    lines = [words(await self._line())]
                    while end is not None and lines[0][0] != "ERR" and lines[-1] != end:
                        lines.append(words(await self._line()))
                    self._owed = 0
            except TimeoutError:
                raise DeviceTimeout(f"upsd at {self.address} does not answer") from None
        if lines[0][0] == "ERR":
            raise Refused(" ".join(lines[0][1:]))
        return lines

    async def _line(self) -> bytes:
        """Return the next line without its end, never an empty one."""
        while (end := self._arrived.find(b"\n")) < 0:
            if len(self._arrived) > LONGEST_LINE:
                raise DeviceProtocolError(f"{self.address} sends no lines: it is no upsd")
            self._arrived += await self._link.receive()
        line = bytes(self._arrived[:end])
        del self._arrived[: end + 1]
        return line


def words(line: bytes) -> list[str]:
    """Split a line; what is quoted is one word. Raises ``DeviceProtocolError`` for an empty line."""
    text = line.decode("utf-8", "replace")
    found = [_ESCAPED.sub(r"\1", quoted) if bare == "" else bare for quoted, bare in _WORD.findall(text)]
    if not found:
        raise DeviceProtocolError("upsd sent an empty line")
    return found


def quoted(value: str) -> str:
    """Return ``value`` as one word. Raises ``ValueError`` when no line can hold it."""
    if any(ord(letter) < ord(" ") for letter in value):
        raise ValueError("a line of upsd holds no control characters")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def meaning(error: Refused, of: str) -> DeviceFault | DeviceUnavailable:
    """Return what a refusal means: a supply that is out of reach may come back, a wrong setting does not."""
    code = str(error)
    if code in {"DATA-STALE", "DRIVER-NOT-CONNECTED"}:
        return DeviceUnavailable(f"supply {of}: upsd does not hear it ({code})")
    return DeviceFault(f"supply {of}: upsd refuses ({code}), see the settings of both")
