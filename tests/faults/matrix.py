"""The matrix: service x role x fault x moment x how often, each cell from the closed sets by construction."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from devices.errors import DeviceCode
from kiosk.catalogue import model
from kiosk.catalogue.model import Identity, Offline
from tests.faults.closed_sets import CODES, CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kiosk.catalogue.model import Package

CATALOGUE = Path(__file__).parents[2] / "config" / "catalogue"
BEFORE, WAIT, CALL, AFTER, GOODBYE = "before", "wait", "call", "after", "goodbye"
MOMENTS = (BEFORE, WAIT, CALL, AFTER, GOODBYE)
TIMES = {"once": 1, "thrice": 3, "forever": 10**9}
HANGS, DIES = "hangs", "dies"
LOST = {"printed": "lost.printed", "not_printed": "lost.not_printed", "unknown": "lost.unknown"}
PRINTERS = frozenset({"document_printer", "receipt_printer"})
DEVICES = frozenset({"id_reader", "camera", "document_printer", "receipt_printer"})  # those services use so far

CENTRAL, FACE, QUEUE, SLIP_KEY = "central", "face", "queue", "slip_key"
CENTRAL_FAULTS = ("unreachable", "sick", "slow", "refused", "rejected", "rejected_unknown", "untrusted")
FACE_FAULTS = ("crashed", "deadline", "unavailable")
QUEUE_FAULTS = ("queue.full", "queue.locked", "queue.io", "queue.read_only", "queue.corrupt")
RESIDENT = ("walks_away", "leaves", "asks_help", "ends_at_once")


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault: where, what, when, how often."""

    service: str
    role: str
    fault: str
    moment: str
    times: str

    @property
    def id(self) -> str:
        """Return what replays it: ``make faults CELL=…``."""
        return f"{self.service}/{self.role}/{self.fault}/{self.moment}/{self.times}"


@dataclass(frozen=True, slots=True)
class Run:
    """What is played: one cell alone, or two faults at once, the second perhaps the resident's own."""

    cells: tuple[Cell, ...]
    resident: str = ""
    seed: int = 0

    @property
    def id(self) -> str:
        """Return what replays it."""
        return "+".join([cell.id for cell in self.cells] + ([self.resident] if self.resident else []))


@cache
def packages() -> tuple[Package, ...]:
    """Return the services present."""
    loaded, refused = model.load(CATALOGUE)
    if refused:
        raise ValueError(f"packages refused: {refused}")
    return loaded.packages


def roles(package: Package) -> tuple[str, ...]:
    """Return the roles a service uses: those it needs, and the slip's printer, which every case may come to."""
    return tuple(sorted({*package.needs, "receipt_printer"}))


def cells() -> list[Cell]:
    """Return every cell, in one order for ever."""
    return [cell for package in packages() for cell in _of(package)]


def _of(package: Package) -> Iterator[Cell]:
    for role in roles(package):
        for fault in faults(role):
            for moment, times in product(moments(role, fault), TIMES):
                yield Cell(package.code, role, fault, moment, times)
    yield from _of_central(package)
    if package.identity is Identity.CARD_FACE:
        yield from _of_face(package.code)
    puts = ("case", "rating", "alarm", *(("print",) if _prints(package) else ()))
    for fault, moment, times in product(QUEUE_FAULTS, puts, TIMES):
        yield Cell(package.code, QUEUE, fault, moment, times)
    for fault in ("missing", "silent", "name_too_long"):
        yield Cell(package.code, SLIP_KEY, fault, "slip", "forever")


def _of_central(package: Package) -> Iterator[Cell]:
    for fault, moment, times in product(CENTRAL_FAULTS, _calls(package), TIMES):
        yield Cell(package.code, CENTRAL, fault, moment, times)
    yield Cell(package.code, CENTRAL, "answer_lost", "settled", "forever")
    yield Cell(package.code, CENTRAL, "case_refused", "settled", "once")
    yield Cell(package.code, CENTRAL, "refuses", "decision", "once")
    yield Cell(package.code, CENTRAL, "undecided", "decision", "forever")
    if _prints(package):
        for fault in ("seal_broken", "wrong_person"):
            yield Cell(package.code, CENTRAL, fault, "document", "once")


def _of_face(code: str) -> Iterator[Cell]:
    for fault, moment, times in product(FACE_FAULTS, ("photo", "look", "compare"), TIMES):
        yield Cell(code, FACE, fault, moment, times)
    for fault, times in product(("unsure", "no_match"), TIMES):
        yield Cell(code, FACE, fault, "compare", times)
    for times in TIMES:
        yield Cell(code, FACE, "no_face", "look", times)
        yield Cell(code, FACE, "photo_refused", "photo", times)


def _prints(package: Package) -> bool:
    return "document_printer" in package.needs


def faults(role: str) -> tuple[str, ...]:
    """Return all that can go wrong at a device of ``role``."""
    codes = [code.value for code in CODES[role] if code is not DeviceCode.OUTCOME_UNKNOWN]
    lost = list(LOST.values()) if DeviceCode.OUTCOME_UNKNOWN in CODES[role] else []
    return (*codes, *lost, *(f"says.{condition.value}" for condition in CONDITIONS[role]), HANGS, DIES)


def moments(role: str, fault: str) -> tuple[str, ...]:
    """Return when a fault can come: a card's own trouble only while it is read, a lost job only while one prints."""
    if fault.startswith("medium."):
        return (CALL,)
    if fault in LOST.values():
        return (WAIT, CALL, AFTER)
    return MOMENTS


def _calls(package: Package) -> tuple[str, ...]:
    calls = [BEFORE]
    if package.identity is Identity.CARD_FACE:
        calls += ["send_code", "check_code"]
    if package.consents:
        calls.append("look_up")
    if package.offline is Offline.ONLINE_ONLY:
        calls.append("submit")
    calls.append("decision")
    if _prints(package):
        calls.append("document")
    return (*calls, GOODBYE)


def sampled(everything: list[Cell], at_most: int, seed: int) -> list[Cell]:
    """Return a sample in which each role meets each of its faults and each of its moments at least once."""
    luck = random.Random(seed)  # noqa: S311 - the same cells for the same seed
    order = everything.copy()
    luck.shuffle(order)
    seen: set[tuple[str, str, str]] = set()
    first, rest = [], []
    for cell in order:
        marks = {
            (cell.service, cell.role, cell.fault),
            (cell.service, cell.role, cell.moment),
            (cell.service, cell.role, cell.times),
        }
        (rest if marks <= seen else first).append(cell)
        seen |= marks
    return first + rest[: max(0, at_most - len(first))]


def pair(seed: int) -> Run:
    """Return two faults of one service at once, by seed; every third time the second is the resident's own way."""
    luck = random.Random(seed)  # noqa: S311 - the same pair for the same seed
    everything = cells()
    one = luck.choice(everything)
    if luck.random() < 1 / 3:
        return Run((one,), luck.choice(RESIDENT), seed)
    others = [cell for cell in everything if cell.service == one.service and cell.role != one.role]
    return Run((one, luck.choice(others)), "", seed)


def parse(text: str) -> Run:
    """Return the run that ``text`` names: the id of a cell, or of several joined by ``+``."""
    known = {cell.id: cell for cell in cells()}
    parts = text.split("+")
    resident = parts.pop() if parts[-1] in RESIDENT else ""
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise SystemExit(f"no such cell: {unknown}")
    return Run(tuple(known[part] for part in parts), resident)
