"""For the tests of travel documents: a dialogue played with a chip in memory, an invented traveller and a picture."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Generic, TypeVar

from PIL import Image

from devices.chip.emrtd import MrzKey, read_travel_document
from devices.sim.emrtd_chip import EmrtdChip
from devices.sim.emrtd_traveller import Traveller, files_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue
    from devices.chip.emrtd import TravelDocument, TrustAnchors
    from devices.chip.emrtd.keys import AccessKey
    from devices.sim.emrtd_issuer import Issuer

T = TypeVar("T")

TODAY = date(2026, 11, 21)
TRAVELLER = Traveller()
KEY = MrzKey.of(TRAVELLER.number, TRAVELLER.birth, TRAVELLER.expiry)
MOST_COMMANDS = 100_000  # no dialogue with a chip that lies may go on for ever


@dataclass(frozen=True, slots=True)
class Played(Generic[T]):
    """What came of a dialogue, and how many commands it took."""

    result: T
    commands: int


def play(dialogue: Dialogue[T], answer: Callable[[bytes], bytes]) -> Played[T]:
    """Let ``answer`` be the chip."""
    answered = None
    for count in range(MOST_COMMANDS):
        try:
            command = dialogue.send(answered)  # type: ignore[arg-type]
        except StopIteration as end:
            return Played(end.value, count)
        answered = answer(command)
    raise AssertionError("the dialogue does not end")


def read(chip: EmrtdChip, anchors: TrustAnchors, key: AccessKey = KEY, *, today: date = TODAY) -> TravelDocument:
    """Read a chip in memory."""
    return play(read_travel_document(key, anchors, today=today), chip.answer).result


def chip_of(issuer: Issuer, picture: bytes | None = None, **chosen: object) -> EmrtdChip:
    """Make the traveller's document."""
    return EmrtdChip(files_of(TRAVELLER, picture or jpeg(), issuer), TRAVELLER.key(), **chosen)  # type: ignore[arg-type]


def jpeg(side: int = 32, kind: str = "JPEG") -> bytes:
    """Make a picture of noise, ``side`` pixels square: the same each time."""
    noise = random.Random(side).randbytes(side * side)  # noqa: S311 - a picture, no secret
    made = io.BytesIO()
    Image.frombytes("L", (side, side), noise).save(made, kind)
    return made.getvalue()
