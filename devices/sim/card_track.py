"""The inside of a motorised card slot: a shutter, a track for one card, a bin. No card is ever lost, none made.

Movements take their time and go on whoever has let go of the line; a motor has no use for a cable.
"""

from __future__ import annotations

import asyncio
import enum
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.sim.vpcd_card import Chip

DEFAULT_MOVE_S: Final = 0.3  # a real one takes about a second and a half; shortened, but long enough to meddle with
DEFAULT_BIN: Final = 20


class Place(enum.Enum):
    """Where a card can be."""

    PERSON = "person"
    MOUTH = "mouth"
    PATH = "path"  # moving
    INSIDE = "inside"
    JAMMED = "jammed"
    BIN = "bin"


@dataclass(eq=False)
class SlotCard:
    """A card, or what somebody takes for one; ``chip`` ``None``: it has none that answers."""

    chip: Chip | None = None
    is_card: bool = True  # False: folded paper, a coin


@dataclass
class CardTrack:
    """The mechanics. ``changed`` is called whenever something has come to rest or was taken."""

    changed: Callable[[], None]
    move_s: float = DEFAULT_MOVE_S
    bin_size: int = DEFAULT_BIN
    shutter_open: bool = False
    card: SlotCard | None = None  # the one in the track
    place: Place = Place.PERSON  # ... and where it is
    bin: list[SlotCard] = field(default_factory=list)
    counter: int = 0  # cards retained, as the machine counts them until the bin is emptied
    _people: list[SlotCard] = field(default_factory=list)
    _target: Place = Place.PERSON
    _moving: asyncio.TimerHandle | None = None
    _jam_next: bool = False

    @property
    def bin_full(self) -> bool:
        """Tell whether the bin takes no more."""
        return len(self.bin) >= self.bin_size

    def whereabouts(self) -> Counter[Place]:
        """Count all cards there ever were, by the place each is in now."""
        places = Counter({Place.PERSON: len(self._people), Place.BIN: len(self.bin)})
        if self.card is not None:
            places[self.place] += 1
        return places

    def push(self, card: SlotCard) -> bool:
        """Push a card into the opening; False: shut, or another is in the way."""
        if card not in self._people:
            self._people.append(card)
        if not self.shutter_open or self.card is not None:
            return False
        self._people.remove(card)
        self.card = card
        self.shutter_open = False
        self.move(Place.INSIDE if card.is_card else Place.MOUTH)
        return True

    def take(self) -> bool:
        """Take the card at the mouth; False: there is none to take."""
        if self.card is None or self.place is not Place.MOUTH:
            return False
        self._give(self.card)
        self.changed()
        return True

    def jam_next(self) -> None:
        """Let the next movement get stuck."""
        self._jam_next = True

    def clear_jam(self) -> None:
        """Open the machine, free the card that is stuck and hand it to its owner."""
        self._jam_next = False
        if self.card is not None and self.place is Place.JAMMED:
            self._give(self.card)
            self.changed()

    def empty_bin(self) -> None:
        """Hand the cards of the bin to their owners, and start the counter anew."""
        self._people += self.bin
        self.bin.clear()
        self.counter = 0
        self.changed()

    def move(self, target: Place) -> None:
        """Move the card; one that is moving turns round. A jam stays one, and the bin gives nothing back."""
        if self.card is None or self.place is Place.JAMMED or self._target is Place.BIN:
            return
        if self.place is target and self._moving is None:
            return
        self._target = target
        self.place = Place.PATH
        if self._moving is None:
            self._moving = asyncio.get_running_loop().call_later(self.move_s, self._arrive)

    def stop(self) -> None:
        """Let a movement end at once: the machine is scrapped, its cards are not."""
        if self._moving is not None:
            self._moving.cancel()
            self._arrive()

    def _arrive(self) -> None:
        self._moving = None
        card, target, self._target = self.card, self._target, Place.PERSON
        if card is None:
            return
        if self._jam_next:
            self._jam_next = False
            self.place = Place.JAMMED
        elif target is Place.BIN:
            self.bin.append(card)
            self.counter += 1
            self.card = None
        else:
            self.place = target
        self.changed()

    def _give(self, card: SlotCard) -> None:
        self._people.append(card)
        self.card = None
