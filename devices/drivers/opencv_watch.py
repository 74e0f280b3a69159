"""What is wrong with a camera's pictures, from the pictures alone: they stand still, repeat, or show nothing.

**Frozen.** A sensor is never still: noise changes some pixels from picture to picture whatever it sees. Measured on
rendered rooms and faces with Gaussian noise, through JPEG at qualities 50 to 90, one pixel of 16 compared: a sigma of
0.2 levels (no sensor is as quiet) still changes 0.3 % of the pixels, 0.5 levels 1.8 %, 1 level 3.7 %. One picture sent
again changes none. The bar stands at 0.05 %. Compared is with the first picture of the still time, not the one before:
what changes slowly (the sun) adds up.
**Repeating.** A stored loop shows pictures that were all seen before, bit by bit; with noise that happens to no sensor.
Both need noise: where all is black or white there is none, so a dark picture is told as dark and nothing else.
Streams coded against earlier pictures (H.264) rewrite a still picture at every key frame: there this finds nothing.
**Dark, bright.** By the means of small blocks, so that a sensor's noise in the dark counts for nothing: nowhere light,
or white nearly everywhere. Two bars each, so that a picture at one bar does not flicker between two states.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from devices.health import Condition

if TYPE_CHECKING:
    from numpy.typing import NDArray

FROZEN_S: Final = 2.0  # as long as a camera may be silent
FROZEN_FRAMES: Final = 5  # a camera that sends one picture a second needs more time
SAME_SHARE: Final = 0.0005  # of the compared pixels
SAMPLE_ROWS: Final = 120  # compared pixels: every n-th row and column, so that about as many rows are left
REMEMBERED: Final = 1024  # pictures: a stored loop of half a minute at 30 a second

BLOCKS: Final = (32, 24)
LIGHTEST_SHARE: Final = 0.05  # of the blocks: a lit face at ten steps is larger
DARK: Final = 24.0  # levels of 255: the lightest blocks are darker: a covered lens, with noise, stays below 16
DARK_NO_MORE: Final = 36.0
WHITE: Final = 250.0
BRIGHT_SHARE: Final = 0.8  # of the blocks are white: whoever stands there is none of the rest
BRIGHT_SHARE_NO_MORE: Final = 0.65
LIGHT_S: Final = 1.0  # a hand that passes, a camera that gets used to the light


class PictureWatch:
    """Looks at every picture of one sensor, in the sensor's thread; ``conditions`` may be read from any.

    ``frozen_s`` 0: standing still is no fault.
    """

    def __init__(self, frozen_s: float = FROZEN_S) -> None:
        self.conditions: frozenset[Condition] = frozenset()
        self._frozen_s = frozen_s
        self._light = _Light()
        self._first: NDArray[np.uint8] | None = None  # of the still time
        self._still_since = 0.0
        self._still = 0
        self._seen: set[int] = set()
        self._order: deque[int] = deque()
        self._known_since = 0.0
        self._known = 0
        self._stuck_since = 0.0

    def push(self, picture: NDArray[np.uint8], now: float) -> None:
        """Look at one picture: height x width x 3, any size; ``now`` in monotonic seconds."""
        step = max(1, picture.shape[0] // SAMPLE_ROWS)
        sample = np.ascontiguousarray(picture[::step, ::step, 1])
        light = self._light.look(sample, now)
        frozen = False
        if self._light.clipped:
            self._forget()
        elif self._frozen_s:
            frozen = self._stands_still(sample, now) | self._repeats(sample, now)
        if not frozen:
            self._stuck_since = now
        self.conditions = frozenset({Condition.FROZEN}) if frozen else light

    def stuck_s(self, now: float) -> float:
        """Return how long the pictures have been frozen since the source was opened."""
        return now - self._stuck_since if Condition.FROZEN in self.conditions else 0.0

    def reopened(self, now: float) -> None:
        """Take note that the source was opened anew: what it shows then is judged by what it showed before."""
        self._stuck_since = now

    def wipe(self) -> None:
        """Overwrite what is kept of a picture."""
        if self._first is not None:
            self._first.fill(0)

    def _stands_still(self, sample: NDArray[np.uint8], now: float) -> bool:
        first = self._first
        same = first is not None and first.shape == sample.shape
        if first is None or not same or np.count_nonzero(first != sample) > SAME_SHARE * sample.size:
            self._first, self._still_since, self._still = sample, now, 0
            return False
        self._still += 1
        return self._still >= FROZEN_FRAMES and now - self._still_since >= self._frozen_s

    def _repeats(self, sample: NDArray[np.uint8], now: float) -> bool:
        digest = hash(sample.tobytes())
        if digest not in self._seen:
            self._seen.add(digest)
            self._order.append(digest)
            if len(self._order) > REMEMBERED:
                self._seen.discard(self._order.popleft())
            self._known_since, self._known = now, 0
            return False
        self._known += 1
        return self._known >= FROZEN_FRAMES and now - self._known_since >= self._frozen_s

    def _forget(self) -> None:
        self._first, self._still, self._known = None, 0, 0


class _Light:
    """Too dark or too bright, with two bars each."""

    def __init__(self) -> None:
        self.clipped = False  # this very picture is all dark or all white: there is no noise in it
        self._told: Condition | None = None
        self._seen: Condition | None = None
        self._since = 0.0

    def look(self, sample: NDArray[np.uint8], now: float) -> frozenset[Condition]:
        blocks = np.asarray(cv2.resize(sample, BLOCKS, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        lightest = float(np.quantile(blocks, 1 - LIGHTEST_SHARE))
        white = float(np.mean(blocks >= WHITE))
        seen: Condition | None = None
        if lightest < (DARK_NO_MORE if self._told is Condition.TOO_DARK else DARK):
            seen = Condition.TOO_DARK
        elif white > (BRIGHT_SHARE_NO_MORE if self._told is Condition.TOO_BRIGHT else BRIGHT_SHARE):
            seen = Condition.TOO_BRIGHT
        self.clipped = seen is not None
        if seen is not self._seen:
            self._seen, self._since = seen, now
        if seen is None or now - self._since >= LIGHT_S:
            self._told = seen
        return frozenset() if self._told is None else frozenset({self._told})
