"""Ports of the face match: one engine for the terminal, one check for each visit.

An engine gives one of three honest verdicts and says who it is; what a verdict is worth is decided elsewhere.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiosk.errors import FaceEngineFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from devices.values import Frame


class Verdict(enum.StrEnum):
    """What the engine says of two faces."""

    MATCH = "match"
    NO_MATCH = "no_match"
    UNSURE = "unsure"  # between its two limits, or nothing to go by: never counts as a match


class Look(enum.StrEnum):
    """What one picture lacks, worst first; ``OK`` when nothing."""

    OK = "ok"
    TOO_DARK = "too_dark"
    NO_FACE = "no_face"
    TWO_FACES = "two_faces"  # the second at least half as wide: nobody is chosen silently
    TOO_FAR = "too_far"
    TOO_NEAR = "too_near"
    OFF_CENTRE = "off_centre"


class FaceCode(enum.StrEnum):
    """Why an engine gave no answer."""

    UNAVAILABLE = "face.unavailable"  # its libraries or models are missing, or it did not come up
    DEADLINE = "face.deadline"  # it hung and was ended
    CRASHED = "face.crashed"  # its process died
    REFUSED = "face.refused"  # it could not work with what it was given
    CLOSED = "face.closed"  # the visit is over


class FaceEngineError(FaceEngineFailed):
    """No answer: never a verdict by default. ``why`` is for technicians; nothing of a picture is ever in it."""

    def __init__(self, why: FaceCode, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Who decides, and what it was certified for: shown to the operator, recorded with each answer."""

    name: str
    version: str
    vendor: str
    certificates: tuple[str, ...]
    operating_point: str


@dataclass(frozen=True, slots=True)
class FaceAnswer:
    """One comparison. ``score`` is the engine's own scale: for the built-in one a distance, infinite with no face.

    ``liveness`` names the engine that watched the same pictures; a comparison alone has seen none.
    """

    verdict: Verdict
    score: float
    engine: EngineInfo
    liveness: str = "none"


class FaceCheck(ABC):
    """One visit's comparison, in a process that ends with it. Calls are answered one after the other.

    Each has a deadline of its own. ``FaceEngineError`` (``DEADLINE``, ``CRASHED``) means that this check is lost: begin
    another. Cancelling a call costs nothing, the next one is answered as usual.
    """

    @abstractmethod
    async def use_card_photo(self, picture: bytes) -> bool:
        """Take the picture of the card (BMP, PNG, JPEG or WebP); ``False`` when there is no usable face in it."""

    @abstractmethod
    async def look(self, frame: Frame) -> Look:
        """Judge one picture, fast enough for ten a second."""

    @abstractmethod
    async def compare(self, frames: Sequence[Frame]) -> FaceAnswer:
        """Compare the best of ``frames`` (three or more over at least a second) with the picture of the card.

        Raises ``FaceEngineError`` (``REFUSED``) also when no picture of a card was taken.
        """


class FaceEngine(ABC):
    """Makes checks. ``start`` and ``stop`` are idempotent."""

    @abstractmethod
    def info(self) -> EngineInfo:
        """Return who it is."""

    @abstractmethod
    async def start(self) -> None:
        """Get ready in the background; never raises: :meth:`ready` tells."""

    @abstractmethod
    async def stop(self) -> None:
        """End every process. Never raises."""

    @abstractmethod
    async def ready(self) -> bool:
        """Tell whether a check could begin at once or within seconds; what has died is started anew."""

    @abstractmethod
    def check(self) -> AbstractAsyncContextManager[FaceCheck]:
        """Begin a check; leaving ends the process that saw the face. Entering raises ``FaceEngineError``."""
