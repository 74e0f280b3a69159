"""Port: is this a living person? It watches all pictures of a capture, those that are compared among them."""

from __future__ import annotations

import enum
import zlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.values import Frame

SIM_FRAMES = 5  # with nothing behind it but a stuck camera in mind
SIM_SECONDS = 1.0


class LivenessResult(enum.StrEnum):
    """What can be said so far."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"  # final: residents hear the same neutral words as for no match
    UNSURE = "unsure"  # more pictures may tell


class LivenessEngine(ABC):
    """Watches one capture after the other. ``name`` travels with each answer into the audit."""

    name: str

    @abstractmethod
    def begin(self) -> None:
        """Forget what was seen and begin a capture."""

    @abstractmethod
    def push(self, frame: Frame) -> None:
        """Watch one more picture; keeps none."""

    @abstractmethod
    def result(self) -> LivenessResult:
        """Tell what the pictures since :meth:`begin` say."""


class SimLiveness(LivenessEngine):
    """For demo and lab: passes as soon as fresh pictures have come for a second. It tells no person from a photo."""

    name = "SimLiveness"

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._first = 0.0
        self._last = 0.0

    def begin(self) -> None:
        """Forget what was seen."""
        self._seen = set()

    def push(self, frame: Frame) -> None:
        """Count pictures that are new in content and in time."""
        if self._seen and frame.taken <= self._last:
            return
        digest = zlib.crc32(frame.rgb)
        if digest in self._seen:  # frozen or looped: a camera's noise makes two equal pictures impossible
            return
        if not self._seen:
            self._first = frame.taken
        self._seen.add(digest)
        self._last = frame.taken

    def result(self) -> LivenessResult:
        """Pass when enough was seen for long enough; never fails."""
        enough = len(self._seen) >= SIM_FRAMES and self._last - self._first >= SIM_SECONDS
        return LivenessResult.PASS if enough else LivenessResult.UNSURE


class NoLiveness(LivenessEngine):
    """Claims nothing: ``PASS`` here means that nothing was checked, and its name says so in each answer."""

    name = "none"

    def begin(self) -> None:
        """Begin."""

    def push(self, frame: Frame) -> None:
        """Watch nothing."""

    def result(self) -> LivenessResult:
        """Let the capture go on."""
        return LivenessResult.PASS


_ENGINES: dict[str, type[LivenessEngine]] = {"sim": SimLiveness, "none": NoLiveness}


def create_liveness(name: str) -> LivenessEngine:
    """Build the engine ``name``. Raises ``ValueError`` naming what is known."""
    if name not in _ENGINES:
        raise ValueError(f"unknown liveness engine {name!r}; known are {', '.join(_ENGINES)}")
    return _ENGINES[name]()
