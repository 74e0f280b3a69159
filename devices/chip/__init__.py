"""What chip cards say, apart from how their bytes travel: one dialogue a task, for any driver that reaches a chip.

A dialogue is a generator that yields command APDUs and is sent the whole answers, status word included (ISO/IEC 7816-4
clause 5). It does no input or output, so the same code runs over PC/SC, in an ATM's card slot, and against a script in
a test. What it must not give away (a card number, a track) never leaves it: only its result does.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Dialogue: TypeAlias = Generator[bytes, bytes, T]
