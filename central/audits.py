"""The audit of terminals at central: lines stored as they came, their chain checked at intake and on demand.

Items come in any order, so the run before may come later: a hole is a fault only when somebody asks for all lines.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from central.store.database import raise_alarm
from central.store.schema import AuditLine
from offline_queue import wire

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.bodies import AuditRun

LINES_AT_ONCE: Final = 1000  # of an audit that may have millions


def take_lines(session: Session, kiosk: str, run: AuditRun, now: datetime) -> None:
    """Store a run within the caller's transaction; a chain that does not fit raises an alarm and nothing else.

    A number that is stored already keeps its first line.
    """
    lines = [wire.AuditLine(one.seq, one.line, bytes.fromhex(one.chain)) for one in run.lines]
    before = wire.AuditLine(run.after.seq, "", bytes.fromhex(run.after.chain))
    stored = _stored(session, kiosk, [before.seq, *(line.seq for line in lines)])
    fault = _begin_fault(kiosk, before, stored) or wire.audit_fault(lines, before) or _clash(lines, stored)
    if not fault and lines:
        after = stored.get(lines[-1].seq + 1)
        fault = "" if after is None else wire.audit_fault([after], lines[-1])
    for line in {one.seq: one for one in reversed(lines)}.values():
        if line.seq not in stored:
            session.add(
                AuditLine(kiosk=kiosk, seq=line.seq, line=line.line, chain=line.chain.hex(), received=now),
            )
    session.flush()
    if fault:
        raise_alarm(session, kiosk, "intake.audit_broken", fault, at=now)


def first_fault(session: Session, kiosk: str) -> str:
    """Return what is wrong with the first bad line of a terminal's whole audit; empty when all of it fits."""
    before = wire.AuditLine(0, "", wire.audit_start(kiosk))
    query = select(AuditLine).where(AuditLine.kiosk == kiosk).order_by(AuditLine.seq)
    with closing(session.scalars(query.execution_options(yield_per=LINES_AT_ONCE))) as rows:
        for row in rows:
            line = wire.AuditLine(row.seq, row.line, bytes.fromhex(row.chain))
            fault = wire.audit_fault([line], before)
            if fault:
                return fault
            before = line
    return ""


def _stored(session: Session, kiosk: str, seqs: Sequence[int]) -> dict[int, wire.AuditLine]:
    near = AuditLine.seq.between(min(seqs), max(seqs) + 1)
    rows = session.scalars(select(AuditLine).where(AuditLine.kiosk == kiosk, near))
    return {row.seq: wire.AuditLine(row.seq, row.line, bytes.fromhex(row.chain)) for row in rows}


def _begin_fault(kiosk: str, before: wire.AuditLine, stored: dict[int, wire.AuditLine]) -> str:
    known = stored.get(before.seq)
    expected = wire.audit_start(kiosk) if before.seq == 0 else known.chain if known is not None else before.chain
    return "" if before.chain == expected else f"line {before.seq + 1} does not follow line {before.seq} in custody"


def _clash(lines: Sequence[wire.AuditLine], stored: dict[int, wire.AuditLine]) -> str:
    other = [line.seq for line in lines if line.seq in stored and stored[line.seq] != line]
    return f"line {other[0]} is in custody with another content" if other else ""
