"""The chain over audit lines, computed by the terminal, checked by central and by auditors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offline_queue.wire.fields import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line: number from 1 over the terminal's life, JSON text, and the chain value after it."""

    seq: int
    line: str
    chain: bytes = field(repr=False)


def audit_start(kiosk: str) -> bytes:
    """Return the chain value before a terminal's first line."""
    return hashlib.sha256(canonical("tongban/audit-start/1", [kiosk])).digest()


def audit_step(before: bytes, seq: int, line: str) -> bytes:
    """Return the chain value after a line."""
    return hashlib.sha256(canonical("tongban/audit/1", [before.hex(), seq, line])).digest()


def audit_fault(lines: Sequence[AuditLine], before: AuditLine) -> str:
    """Return what is wrong with the first bad line of a run, in words without values; empty when all fit.

    ``before`` is the line the run follows; number 0 with :func:`audit_start` stands before the first.
    """
    seq, chain = before.seq, before.chain
    for line in lines:
        if line.seq <= seq:
            return f"line {line.seq} stands after line {seq}: reordered or repeated"
        if line.seq != seq + 1:
            missing = f"line {seq + 1} is" if line.seq == seq + 2 else f"lines {seq + 1} to {line.seq - 1} are"
            return f"{missing} missing"
        if audit_step(chain, line.seq, line.line) != line.chain:
            return f"line {line.seq} was changed"
        seq, chain = line.seq, line.chain
    return ""
