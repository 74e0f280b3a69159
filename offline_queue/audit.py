"""The audit lines beside the queue: one hash chain over the terminal's life, carried to central inside items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offline_queue import wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offline_queue.ledger import Ledger

LINES_KEPT_S: Final = 400 * 86400.0  # as long as receipts
LINES_KEPT: Final = 10_000  # whatever their age
LINES_CARRIED: Final = 500  # with one item, at most: some 100 KiB
_CHUNK: Final = 1000


def append(ledger: Ledger, lines: Sequence[str]) -> None:
    """Add lines (one JSON object each, without personal data) at the end of the chain, in the caller's transaction."""
    state = ledger.state()
    seq, chain = state["audit_seq"], state["audit_chain"]
    for line in lines:
        seq += 1
        chain = wire.audit_step(chain, seq, line)
        ledger.sql.run("add_audit", seq=seq, at=ledger.moment.wall, line=line, chain=chain)
    ledger.sql.run("set_audit", seq=seq, chain=chain)


def carry(ledger: Ledger, limit: int = LINES_CARRIED) -> tuple[wire.AuditLine, list[wire.AuditLine]]:
    """Return the lines that travel with the item being put, after the line they follow; they count as carried then."""
    carried = ledger.state()["audit_carried"]
    run = list(_lines(ledger, carried, limit))
    if run:
        ledger.sql.run("carry_audit", seq=run[-1].seq)
    return _before(ledger, carried), run


def uncarried(ledger: Ledger) -> int:
    """Return how many lines wait for an item to travel with."""
    state = ledger.state()
    return int(state["audit_seq"] - state["audit_carried"])


def uncarried_age_s(ledger: Ledger) -> float:
    """Return how long the oldest of those lines has waited, 0 for none; a clock set back a day counts as a day."""
    row = ledger.sql.one("audit_lines", after=ledger.state()["audit_carried"], limit=1)
    return 0.0 if row is None else abs(ledger.moment.wall - float(row["at"]))


def fault(ledger: Ledger) -> str:
    """Name the first deleted, changed or reordered line; empty when the chain is whole.

    The first line kept is the anchor; the end of the chain is known from the state, so a missing tail shows as well.
    """
    state = ledger.state()
    first = next(_lines(ledger, 0, 1), None)
    dropped = state["audit_dropped"]
    last = _before(ledger, dropped) if dropped else _start(ledger)
    if dropped and (first is None or first.seq != dropped):
        return f"line {dropped}, the oldest kept, is missing"
    while run := list(_lines(ledger, last.seq, _CHUNK)):
        wrong = wire.audit_fault(run, last)
        if wrong:
            return wrong
        last = run[-1]
    end = state["audit_seq"]
    if last.seq != end:
        gone = (
            f"line {end}, the newest, is" if last.seq == end - 1 else f"lines {last.seq + 1} to {end}, the newest, are"
        )
        return f"{gone} missing"
    return "" if last.chain == state["audit_chain"] else f"line {last.seq}, the newest, was changed"


def lines(ledger: Ledger, after: int = 0) -> Iterator[wire.AuditLine]:
    """Yield the lines kept after ``after``, in order."""
    while run := list(_lines(ledger, after, _CHUNK)):
        yield from run
        after = run[-1].seq


def sweep(ledger: Ledger) -> None:
    """Drop lines past their retention that central has been sent; the newest of them stays as the chain's anchor."""
    state = ledger.state()
    keep_above = min(state["audit_seq"] - LINES_KEPT, state["audit_carried"])
    row = ledger.sql.one("old_audit", before=ledger.moment.wall - LINES_KEPT_S, keep_above=keep_above)
    if row is not None and row["seq"] is not None:
        ledger.sql.run("drop_audit", anchor=row["seq"])
        ledger.sql.run("audit_dropped", seq=row["seq"])


def _lines(ledger: Ledger, after: int, limit: int) -> Iterator[wire.AuditLine]:
    for row in ledger.sql.rows("audit_lines", after=after, limit=limit):
        yield wire.AuditLine(row["seq"], row["line"], row["chain"])


def _before(ledger: Ledger, seq: int) -> wire.AuditLine:
    """Return the line a run follows; for the first run what stands before the first line."""
    row = ledger.sql.one("audit_at", seq=seq) if seq else None
    return _start(ledger) if row is None else wire.AuditLine(seq, "", row["chain"])


def _start(ledger: Ledger) -> wire.AuditLine:
    return wire.AuditLine(0, "", wire.audit_start(ledger.load_head().kiosk))
