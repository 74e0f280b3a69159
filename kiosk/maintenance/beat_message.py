"""A heartbeat as central gets it: of each part when it was last proven and what is wrong. Nothing of a resident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.maintenance.beat_checks import PROVABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.maintenance.beat_checks import Checked
    from kiosk.maintenance.findings import Findings

CAUSE_LENGTH = 64


def message(it: Findings, last: Mapping[str, Checked], *, every_s: float, done: bool) -> dict[str, object]:
    """Return it as plain values. ``done``: made by doing; otherwise only told, for somebody was at the machine.

    ``every_s`` is how long central may wait for the next; ``proven`` is an ISO time, ``None`` for never.
    """
    states = {one.role: " ".join([one.state, *one.conditions]) for one in it.devices}
    parts = {}
    for part in dict.fromkeys([*states, *last]):
        trouble = it.record.present(part)
        checked = last.get(part)
        cause = trouble.first if trouble is not None else checked.cause if checked is not None else ""
        parts[part] = {
            "state": states.get(part, "")[:CAUSE_LENGTH],
            "cause": cause[:CAUSE_LENGTH],
            "proven": it.record.proven.get(part),
            "alone": part in PROVABLE,
        }
    queue = it.queue or {}
    return {
        "at": it.now.isoformat(timespec="seconds"),
        "every_s": round(every_s),
        "done": done,
        "mode": it.mode,
        "parts": parts,
        "supplies": {one.kind.value: {"left": one.left, "days_left": one.days_left} for one in it.supplies},
        "pending": queue.get("pending", 0),
        "quarantined": queue.get("quarantined", 0),
    }
