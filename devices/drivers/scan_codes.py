"""From a code's bytes to its text, for scanners of any wire. Pure.

What does not make a text is refused, never repaired: a code that is wrong by one character is another person's.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Protocol

from devices.errors import DeviceCode, MediumError
from devices.scanner import ScannedCode
from devices.values import Pii

MAX_CODE = 8192  # bytes; the largest QR code holds 7,089 digits (ISO/IEC 18004), no other code more
MARK_SIZE = 16  # bytes; two codes of one day never share a mark
ENCODINGS = {"utf-8": ("utf-8",), "gb18030": ("gb18030",), "auto": ("utf-8", "gb18030")}

# No text has these. Tabulators, line ends and the separators of ISO/IEC 15434 and GS1 (EOT, FS to US) are none of them.
_CONTROLS = re.compile(r"[\x00-\x03\x05-\x08\x0b\x0c\x0e-\x1b\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One code as it came off the wire: read, or why it was refused. Neither prints what it says.

    ``mark`` is the same for the same code, and says nothing of it.
    """

    code: ScannedCode | None
    problem: str = ""
    mark: bytes = b""


class Frames(Protocol):
    """Finds codes in what a wire brings."""

    @property
    def unfinished(self) -> int:
        """How many bytes of a code that is not complete have arrived."""
        ...

    def feed(self, data: bytes) -> list[Arrival]:
        """Take what arrived; return the codes that are complete."""
        ...

    def drop(self) -> None:
        """Forget what is unfinished."""
        ...


class CodeText:
    """Decodes by one of ``ENCODINGS``. Raises ``ValueError`` for another name."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ENCODINGS:
            raise ValueError(f"encoding {encoding!r}: known are {', '.join(ENCODINGS)}")
        self._encodings = ENCODINGS[encoding]
        self._key = secrets.token_bytes(MARK_SIZE)  # nobody can try codes out on a mark

    def arrival(self, content: bytes, symbology: str = "") -> Arrival:
        """Return the code that ``content`` is, or what is wrong with it. ``symbology``: its AIM identifier, ``]Q1``."""
        for encoding in self._encodings:
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            if _CONTROLS.search(text):
                return Arrival(None, f"{len(content)} bytes with control characters are no text")
            mark = hashlib.blake2b(content, digest_size=MARK_SIZE, key=self._key).digest()
            return Arrival(ScannedCode(Pii(text), symbology), mark=mark)
        return Arrival(None, f"{len(content)} bytes are no {' or '.join(self._encodings)}")


def unreadable(problem: str, device: str) -> MediumError:
    """Return the error for a code that was refused."""
    return MediumError(problem, code=DeviceCode.CODE_UNREADABLE, device=device)
