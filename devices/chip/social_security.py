"""Social security cards of the People's Republic (LD/T 32 and 33 family): what they show without a security module.

Cards of the first and second generation give issuer and holder in clear. The third shows city, class and version, and
the rest only to a PSAM or a city's HSM, whose answer an EXTERNAL AUTHENTICATE carries: nothing is asked for that would
need it, and no PIN is sent.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devices.chip import apdu
from devices.chip.apdu import Status
from devices.chip.tlv import unreadable
from devices.errors import DeviceCode, MediumError
from devices.values import Pii

if TYPE_CHECKING:
    from devices.chip import Dialogue

ENVIRONMENT: Final = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")  # "sx1.sh." and 社会保障 in GBK
ISSUER_FILE, HOLDER_FILE = 5, 6
CITY_DIGITS: Final = 6
NUMBER_SIZE, NAME_SIZE = 18, 30
CLOSED_FROM: Final = "3.00"  # the version whose holder data need a security module

_VERSION = re.compile(r"[0-9]\.[0-9]{2}")
_NUMBER = re.compile(r"[0-9A-Z]{18}")
_BLOCKED: Final = frozenset({Status.FILE_INVALIDATED, Status.NOT_SUPPORTED, Status.APPLICATION_LOCKED})
_ASKS_FOR_MORE: Final = frozenset({Status.NOT_ALLOWED_YET, Status.CONDITIONS, Status.BLOCKED})


class Closed(enum.StrEnum):
    """What this card shows to a security module only."""

    CARD_NUMBER = "card_number"
    HOLDER_NUMBER = "holder_number"
    HOLDER_NAME = "holder_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialSecurityCard:
    """The public part. ``city_code``: GB/T 2260, six digits; ``card_class``: two hexadecimal digits, the city's own."""

    city_code: str
    card_class: str
    version: str
    holder_name: Pii[str] | None
    holder_number: Pii[str] | None
    needs_psam: frozenset[Closed]

    def wipe(self) -> None:
        """Forget every personal value."""
        for value in (self.holder_name, self.holder_number):
            if value is not None:
                value.wipe()


@dataclass(frozen=True, slots=True)
class _Record:
    """Where a value stands: file, record number, tag (TT LL value) and size."""

    file: int
    number: int
    tag: int
    size: int

    @property
    def command(self) -> bytes:
        """Return the command that reads it, tag and length with it."""
        return apdu.read_record(self.file, self.number, 2 + self.size)


_IDENTIFIER = _Record(ISSUER_FILE, 1, 0x01, 16)
_CLASS = _Record(ISSUER_FILE, 2, 0x02, 1)
_SPECIFICATION = _Record(ISSUER_FILE, 3, 0x03, 4)
_HOLDER_NUMBER = _Record(HOLDER_FILE, 1, 0x08, NUMBER_SIZE)
_HOLDER_NAME = _Record(HOLDER_FILE, 2, 0x09, NAME_SIZE)


def read_public_part() -> Dialogue[SocialSecurityCard]:
    """Read what the card shows to anybody.

    Raises ``MediumError``: ``CARD_UNKNOWN_KIND`` (no social security card), ``CARD_BLOCKED``, ``CARD_UNREADABLE``.
    """
    answer = apdu.parse((yield apdu.select(ENVIRONMENT)))
    if answer.status in _BLOCKED:
        raise MediumError("the card's issuer has shut it", code=DeviceCode.CARD_BLOCKED)
    if not answer.ok:
        raise MediumError("no social security card", code=DeviceCode.CARD_UNKNOWN_KIND)
    identifier = yield from _open_record(_IDENTIFIER)
    city = identifier.hex()[:CITY_DIGITS]
    card_class = yield from _open_record(_CLASS)
    specification = yield from _open_record(_SPECIFICATION)
    version = _text(specification)
    if not city.isdecimal() or not _VERSION.fullmatch(version):
        raise unreadable("issuer data")
    number = name = None
    if version < CLOSED_FROM:
        number = yield from _guarded_record(_HOLDER_NUMBER)
        name = yield from _guarded_record(_HOLDER_NAME)
    closed = {Closed.CARD_NUMBER} if version >= CLOSED_FROM else set()
    closed |= {Closed.HOLDER_NUMBER} if number is None else set()
    closed |= {Closed.HOLDER_NAME} if name is None else set()
    return SocialSecurityCard(
        city_code=city,
        card_class=card_class.hex(),
        version=version,
        holder_name=None if name is None else Pii(_name(name)),
        holder_number=None if number is None else Pii(_number(number)),
        needs_psam=frozenset(closed),
    )


def _open_record(record: _Record) -> Dialogue[bytes]:
    """Read a record that every card shows."""
    value = yield from _guarded_record(record)
    if value is None:
        raise unreadable("card hides what every card shows")
    return value


def _guarded_record(record: _Record) -> Dialogue[bytes | None]:
    """Read a record; ``None``: this card wants a security module, or a PIN, first."""
    answer = apdu.parse((yield record.command))
    if answer.status in _ASKS_FOR_MORE:
        return None
    if not answer.ok or len(answer.data) != 2 + record.size or answer.data[:2] != bytes([record.tag, record.size]):
        raise unreadable(f"record {record.number} of file {record.file}")
    return answer.data[2:]


def _text(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise unreadable("issuer data") from None


def _number(value: bytes) -> str:
    text = value.decode("ascii", errors="replace")
    if not _NUMBER.fullmatch(text):
        raise unreadable("holder's number")
    return text


def _name(value: bytes) -> str:
    try:
        text = value.rstrip(b"\0 ").decode("gb18030")
    except UnicodeDecodeError:
        raise unreadable("holder's name") from None
    if not text or any(unicodedata.category(letter).startswith("C") for letter in text):
        raise unreadable("holder's name")
    return text
