"""How each cell has to end: rules written by hand, not taken from what was played. docs/faults.md is made from them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from devices.health import DEGRADING, Condition
from tests.faults.matrix import (
    AFTER,
    BEFORE,
    CENTRAL,
    DEVICES,
    DIES,
    FACE,
    GOODBYE,
    HANGS,
    LOST,
    QUEUE,
    SLIP_KEY,
    packages,
)

if TYPE_CHECKING:
    from tests.faults.matrix import Cell


class End(enum.StrEnum):
    """How a visit ended, in a buyer's words."""

    DONE = "done"  # the service was finished
    TAKEN_IN = "taken in"  # the case is in the outbox, and its number with the resident
    FAULT = "fault shown"  # said what happened; the case's number where there is one
    OTHER_WAY = "another way"  # where else, and whom to call
    REFUSED = "refused"  # by the office, or by a check, with its reason
    NOT_OFFERED = "not offered"  # the service was shown with its reason and could not be begun
    TIMED_OUT = "timed out"  # nobody answered


class Kind(enum.StrEnum):
    """Faults by what they mean to a person."""

    AWAY = "away, silent or lost"
    BROKEN = "says that it cannot work"
    CARE = "works, and asks for care"
    OWN_CARD = "the resident's card"
    FATE = "paper may or may not have come out"
    CENTRAL = "central cannot be reached"
    NO = "central says no"
    FALSE = "whoever answers is not central, or the document proves nothing"
    UNSURE = "the face is not recognised"
    ENGINE = "the face engine fails"
    QUEUE = "the outbox takes nothing"
    KEY = "the slip cannot be signed"


_AWAY = frozenset(
    {
        *(f"device.{code}" for code in ("absent", "closed", "busy", "driver_crashed", "timeout", "protocol")),
        "says.silent",
        "says.driver_crashed",
        HANGS,
        DIES,
    }
)
_SILENCE = frozenset({"unreachable", "sick", "slow", "refused"})
_DEGRADED = frozenset(f"says.{condition.value}" for condition in DEGRADING & frozenset(Condition))
DONE, FAULT = frozenset({End.DONE}), frozenset({End.FAULT})
EITHER = DONE | FAULT


def kind_of(cell: Cell) -> Kind:
    """Return what the fault means to a person."""
    fault = cell.fault
    if cell.role in {QUEUE, SLIP_KEY}:
        return Kind.QUEUE if cell.role == QUEUE else Kind.KEY
    if cell.role == FACE:
        return Kind.ENGINE if fault in {"crashed", "deadline", "unavailable"} else Kind.UNSURE
    if cell.role == CENTRAL:
        silent = Kind.CENTRAL if fault in {*_SILENCE, "answer_lost", "undecided"} else Kind.NO
        return Kind.FALSE if fault in {"untrusted", "seal_broken", "wrong_person"} else silent
    return _kind_of_device(fault)


def _kind_of_device(fault: str) -> Kind:
    if fault.startswith("medium."):
        return Kind.OWN_CARD
    if fault in LOST.values():
        return Kind.FATE
    if fault in _DEGRADED:
        return Kind.CARE
    return Kind.AWAY if fault in _AWAY else Kind.BROKEN


def expected(cell: Cell) -> frozenset[End]:
    """Return the ends that are right for a cell."""
    if cell.role in DEVICES:
        return _device(cell)
    if cell.role == CENTRAL:
        return _central(cell)
    if cell.role == FACE:
        return _face(cell)
    if cell.role == QUEUE:
        return _queue(cell)
    return DONE  # a slip is never refused for want of a signature


def _device(cell: Cell) -> frozenset[End]:
    kind, once = kind_of(cell), cell.times == "once"
    if cell.role not in _needs(cell.service) or kind is Kind.CARE:
        return DONE
    if kind is Kind.OWN_CARD:
        return DONE if once else frozenset({End.OTHER_WAY})
    if kind is Kind.FATE:
        return _fate(cell)
    if cell.moment == BEFORE:
        return frozenset({End.NOT_OFFERED}) if cell.times == "forever" else DONE | {End.NOT_OFFERED}
    if cell.moment in {AFTER, GOODBYE} or once:
        return DONE
    return FAULT if cell.times == "forever" else EITHER


def _fate(cell: Cell) -> frozenset[End]:
    if cell.fault == LOST["unknown"]:
        return FAULT  # never printed blindly again
    if cell.fault == LOST["printed"] or cell.moment == AFTER:
        return DONE
    return FAULT if cell.times == "forever" else DONE


def _central(cell: Cell) -> frozenset[End]:
    special = {
        "answer_lost": frozenset({End.TAKEN_IN}),
        "case_refused": frozenset({End.REFUSED}),
        "refuses": frozenset({End.REFUSED}),
        "undecided": DONE,
        "seal_broken": FAULT,
        "wrong_person": FAULT,
    }
    if cell.fault in special:
        return special[cell.fault]
    if cell.moment == BEFORE:
        if cell.times != "forever":  # begun while the line was still down, a case that can wait is taken in
            return DONE | {End.NOT_OFFERED if _online_only(cell.service) else End.TAKEN_IN}
        return frozenset({End.NOT_OFFERED if _online_only(cell.service) else End.TAKEN_IN})
    if cell.moment in {"decision", GOODBYE}:
        return DONE  # the case is in good hands; only the question failed
    if cell.fault == "untrusted":
        return FAULT
    if kind_of(cell) is Kind.NO and cell.moment != "document":
        return frozenset({End.REFUSED})
    if cell.moment == "submit" and cell.times == "thrice":
        return EITHER  # the terminal's own look at central meets some of the three
    return DONE if cell.times == "once" else FAULT


def _face(cell: Cell) -> frozenset[End]:
    if cell.times == "once" or (cell.fault == "no_face" and cell.times == "thrice"):
        return DONE
    return FAULT if kind_of(cell) is Kind.ENGINE else frozenset({End.OTHER_WAY})


def _queue(cell: Cell) -> frozenset[End]:
    if cell.moment in {"alarm", "rating"} or cell.times == "once":
        return DONE
    return FAULT


def _needs(service: str) -> frozenset[str]:
    return frozenset(next(one for one in packages() if one.code == service).needs)


def _online_only(service: str) -> bool:
    return next(one for one in packages() if one.code == service).offline.name == "ONLINE_ONLY"
