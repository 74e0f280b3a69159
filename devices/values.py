"""Values that cross the device ports, and the two types every layer above shares: ``Pii`` and ``Clock``."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

T = TypeVar("T")

_NOTHING = bytes(1 << 16)


def overwrite(data: bytearray) -> None:
    """Make every byte nought, in pieces: as much again would have to be found first, which holds up the loop."""
    view = memoryview(data)
    for begin in range(0, len(data), len(_NOTHING)):
        piece = view[begin : begin + len(_NOTHING)]
        piece[:] = _NOTHING[: len(piece)]


class PiiWipedError(RuntimeError):
    """A value was revealed after the session that owned it had ended."""


class Pii(Generic[T]):
    """A personal value that cannot be formatted, serialised or logged by accident.

    Only :meth:`reveal` gives the value; the linter allows it in a few named modules. :meth:`wipe` drops it for good
    and overwrites it first where the type can be overwritten (``bytearray``).
    """

    __slots__ = ("_value", "_wiped")

    def __init__(self, value: T) -> None:
        self._value: T | None = value
        self._wiped = False

    def reveal(self) -> T:
        """Return the value. Raises ``PiiWipedError`` after :meth:`wipe`."""
        if self._wiped:
            raise PiiWipedError("personal value used after the wipe")
        return self._value  # type: ignore[return-value]

    def wipe(self) -> None:
        """Forget the value; idempotent."""
        if isinstance(self._value, bytearray):
            overwrite(self._value)
        self._value = None
        self._wiped = True

    def __repr__(self) -> str:
        return "Pii(wiped)" if self._wiped else "Pii(...)"

    def __str__(self) -> str:
        raise TypeError("a personal value cannot be turned into text: use reveal() where that is allowed")

    def __format__(self, spec: str) -> str:
        raise TypeError("a personal value cannot be formatted: use reveal() where that is allowed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pii) and not self._wiped and not other._wiped and self._value == other._value

    def __hash__(self) -> int:
        raise TypeError("a personal value has no hash: it would betray the value")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a personal value cannot be serialised")


class TimerHandle(Protocol):
    """A timer that can be called off."""

    def cancel(self) -> None:
        """Call it off; idempotent."""
        ...


class Clock(Protocol):
    """Time as the core sees it: wall time may jump, monotonic time may not."""

    def now(self) -> datetime:
        """Return the wall clock, time-zone aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellable at once."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> TimerHandle:
        """Call ``callback`` on the running loop after ``seconds``."""
        ...


class CardKind(enum.StrEnum):
    """What kind of identity card was read (type selector of the 256-byte text block)."""

    RESIDENT = "resident"
    HMT_PERMIT = "hmt_permit"  # J: Hong Kong, Macau, Taiwan residence permit
    FOREIGN_2017 = "foreign_2017"  # I
    FOREIGN_2023 = "foreign_2023"  # Y


class Sex(enum.StrEnum):
    """GB/T 2261.1."""

    UNKNOWN = "0"
    MALE = "1"
    FEMALE = "2"
    UNSPECIFIED = "9"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCard:
    """One identity card as read. All that names a person is ``Pii``; ``photo`` is the raw 1024-byte block."""

    kind: CardKind
    name: Pii[str]
    number: Pii[str]
    sex: Sex
    birth: Pii[date]
    valid_from: date
    valid_until: date | None  # None: long-term
    photo: Pii[bytearray]
    latin_name: Pii[str] | None = None
    ethnic_group: str | None = None  # GB/T 3304, two digits; residents only
    nationality: str | None = None  # ISO 3166-1 alpha-3; foreigners only
    address: Pii[str] | None = None
    authority: str | None = None
    permit_number: Pii[str] | None = None  # travel permit of a J card
    warnings: frozenset[str] = frozenset()  # e.g. "sex_parity": worth a look, not a refusal

    def expired(self, today: date) -> bool:
        """Tell whether the card's term ended before ``today``."""
        return self.valid_until is not None and today > self.valid_until

    def wipe(self) -> None:
        """Forget every personal value."""
        for value in (
            self.name,
            self.number,
            self.birth,
            self.photo,
            self.latin_name,
            self.address,
            self.permit_number,
        ):
            if value is not None:
                value.wipe()


@dataclass(frozen=True, slots=True)
class Frame:
    """One camera picture: RGB, 8 bits a channel, rows without padding, ``taken`` in monotonic seconds."""

    width: int
    height: int
    rgb: bytes = field(repr=False)
    taken: float


class Align(enum.StrEnum):
    """Where a slip line stands."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class SlipText:
    """One line of a slip; ``size`` 1 or 2 is the character magnification."""

    text: str = field(repr=False)
    size: int = 1
    bold: bool = False
    align: Align = Align.LEFT


@dataclass(frozen=True, slots=True)
class SlipCode:
    """A QR code on a slip, error correction M."""

    payload: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SlipRule:
    """A horizontal rule."""


@dataclass(frozen=True, slots=True)
class Slip:
    """The content of a receipt, printed top to bottom and cut."""

    lines: tuple[SlipText | SlipCode | SlipRule, ...]


@dataclass(frozen=True, slots=True)
class PdfDocument:
    """A finished PDF, printed unchanged."""

    content: bytes = field(repr=False)
    pages: int


class Sides(enum.StrEnum):
    """How a document lies on its sheets (RFC 8011 section 5.2.8)."""

    ONE = "one-sided"
    BOTH = "two-sided-long-edge"


@dataclass(frozen=True, slots=True)
class PrintJob:
    """What to print. ``title`` may appear in a printer's own log: never personal data, a random id does.

    The last three are for documents; left empty, what the printer's settings say holds. ``media`` is a PWG 5101.1 name
    (``iso_a4_210x297mm``), ``tray`` the printer's own word for one (``main``, ``tray-1``).
    """

    title: str
    body: PdfDocument | Slip
    sides: Sides | None = None
    media: str = ""
    tray: str = ""


@dataclass(frozen=True, slots=True)
class PrintReceipt:
    """Proof that paper is out: the printer's own job reference and the sheets it counted."""

    job: str
    sheets: int
