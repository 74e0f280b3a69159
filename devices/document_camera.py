"""Port: a camera that looks at a page on a glass or a tray."""

from __future__ import annotations

import enum
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.camera import Camera

if TYPE_CHECKING:
    from devices.values import Pii


class PageFault(enum.StrEnum):
    """Why a picture of a page is of no use; each has words for the resident."""

    NO_PAGE = "no_page"
    CUT_OFF = "cut_off"  # an edge lies outside the picture
    BLURRED = "blurred"
    GLARE = "glare"
    BLANK = "blank"
    DARK = "dark"
    MOVED = "moved"  # it did not lie still


@dataclass(frozen=True, slots=True)
class Page:
    """One page, cropped and put straight: RGB, 8 bits a channel, rows without padding. ``faults`` empty: of use.

    With ``NO_PAGE``, and with ``DARK`` where nothing can be made out, the picture is empty (0 x 0). ``corners`` are
    x, y in the camera's picture, clockwise from the page's top left. The page is a person's paper: wipe it.
    """

    width: int
    height: int
    rgb: Pii[bytearray]
    corners: tuple[tuple[float, float], ...] = ()
    faults: frozenset[PageFault] = frozenset()


class DocumentCamera(Camera):
    """The preview is that of a camera; :meth:`capture` takes one page."""

    @abstractmethod
    async def capture(self) -> Page:
        """Take a page from the pictures of the next half second; the sensor has to be on. Raises ``DeviceError``."""
