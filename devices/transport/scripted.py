"""A wire without hardware: a dialogue as data.

It says what the host is expected to send and what comes back, where the machine hangs and where the cable goes. It
works as a ``Wire`` (``ScriptedWire``), and at the far end of any other line (``devices.transport.scripted_usb``, a
pseudo-terminal): what plays the machine there hands what it hears to :meth:`Script.hear`.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceUnavailable
from devices.transport import READ_SLICE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn: the host says ``request``, the machine answers in these packets (none: it hangs).

    ``unplugs``: and then the cable goes.
    """

    request: bytes
    answers: tuple[bytes, ...] = ()
    unplugs: bool = False


class Script:
    """A dialogue in its order. The host must say nothing else: that is an ``AssertionError`` in its own call."""

    def __init__(self, *exchanges: Exchange) -> None:
        self._left = deque(exchanges)
        self._heard = bytearray()

    @classmethod
    def parse(cls, text: str) -> Script:
        """Read a dialogue: ``> hex`` is expected, ``< hex`` answered, ``unplug`` pulls the cable, ``#`` is a remark."""
        turns: list[tuple[bytes, list[bytes], list[bool]]] = []
        for line in text.splitlines():
            kind, _, rest = line.partition("#")[0].strip().partition(" ")
            match kind:
                case "":
                    pass
                case ">":
                    turns.append((bytes.fromhex(rest), [], []))
                case "<":
                    turns[-1][1].append(bytes.fromhex(rest))
                case "unplug":
                    turns[-1][2].append(True)
                case _:
                    raise ValueError(f"dialogue: {line!r} begins with none of > < unplug #")
        return cls(*(Exchange(request, tuple(answers), bool(ends)) for request, answers, ends in turns))

    @property
    def finished(self) -> bool:
        """Tell whether the host has said everything that was expected."""
        return not self._left and not self._heard

    def hear(self, data: bytes) -> Iterator[Exchange]:
        """Take what the host sent, in any pieces; yield the turns it completed."""
        self._heard += data
        while self._heard:
            expected = self._left[0].request if self._left else b""
            got = bytes(self._heard[: len(expected)])
            if not self._left or not expected.startswith(got):
                raise AssertionError(f"host said {self._heard.hex()}, expected {expected.hex() or 'nothing'}")
            if len(got) < len(expected):
                return
            del self._heard[: len(expected)]
            yield self._left.popleft()


class ScriptedWire:
    """A ``Wire`` at whose other end a script speaks."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._arrived: deque[bytes] = deque()
        self._open = False
        self._plugged = True

    def open(self) -> None:
        """Connect. Raises ``DeviceUnavailable`` once the script has pulled the cable."""
        if not self._plugged:
            raise DeviceUnavailable("scripted: not there")
        self._open = True

    def write(self, data: bytes) -> None:
        """Say ``data``. Raises ``DeviceUnavailable``, and ``AssertionError`` when the script expects another thing."""
        self._require()
        for turn in self._script.hear(data):
            self._arrived += turn.answers
            self._plugged = self._plugged and not turn.unplugs

    def read(self) -> bytes:
        """Return the next packet; nothing, after ``READ_SLICE_S``, when there is none. Raises ``DeviceUnavailable``."""
        if self._arrived:
            return self._arrived.popleft()
        self._require()
        time.sleep(READ_SLICE_S)
        return b""

    def discard_input(self) -> None:
        """Forget what was not read. Raises ``DeviceUnavailable``."""
        self._require()
        self._arrived.clear()

    def close(self) -> None:
        """Disconnect. Idempotent; never raises."""
        self._open = False
        self._arrived.clear()

    def _require(self) -> None:
        if not self._open:
            raise DeviceUnavailable("scripted: closed", code=DeviceCode.CLOSED)
        if not self._plugged:
            raise DeviceUnavailable("scripted: gone")
