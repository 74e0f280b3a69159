"""What a terminal had promised, and what central had in custody, at any instant of a recording: read from its marks.

The words of a mark (one JSON object): ``begin`` and ``end`` say which verb began or returned: ``put`` (with ``body``,
the SHA-256 of its plain body, ``lane``, ``number``; at the end ``epoch`` and ``seq`` too), ``number``, ``settle``,
``hold``, ``release``, ``open``, ``tidy``, ``close``, ``shown`` (the screen says "taken in"). ``sent`` is a batch that
leaves, in base64: from there on central has it. ``had`` is an item central took before the recording began.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cuts.central import START, Central

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Put:
    """One put that began. ``order`` counts all puts; ``number`` is 0 unless one was drawn in the same commit."""

    order: int
    body: str
    lane: str
    number: int


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an acknowledged put is: epoch and seq."""

    epoch: str
    seq: int


class Promises:
    """Grows mark by mark; the judge reads it and takes a copy of ``central``."""

    def __init__(self) -> None:
        self.central = Central()
        self.begun: dict[str, Put] = {}  # by body
        self.acknowledged: dict[str, Place] = {}  # by body
        self.highest_number = 0
        self.delivered: set[Place] = set()
        self.rejected: set[Place] = set()
        self.held: set[Place] = set()

    def apply(self, words: Mapping[str, Any]) -> None:
        """Take the next mark in."""
        if "sent" in words:
            self.central.receive(base64.b64decode(words["sent"]), START)
        elif "had" in words:
            self.central.had(**words["had"])
        elif words.get("begin") == "put":
            self.begun[words["body"]] = Put(len(self.begun), words["body"], words["lane"], words["number"])
        elif words.get("begin") == "release":
            self.held.discard(Place(words["epoch"], words["seq"]))
        elif "end" in words:
            self._ended(words["end"], words)

    def _ended(self, verb: str, words: Mapping[str, Any]) -> None:
        if verb == "put":
            self.acknowledged[words["body"]] = Place(words["epoch"], words["seq"])
            self.highest_number = max(self.highest_number, words["number"])
        elif verb == "number":
            self.highest_number = max(self.highest_number, words["number"])
        elif verb == "hold":
            self.held.add(Place(words["epoch"], words["seq"]))
        elif verb == "settle":
            self.delivered |= {Place(words["epoch"], seq) for seq in words["delivered"]}
            self.rejected |= {Place(words["epoch"], seq) for seq in words["rejected"]}
