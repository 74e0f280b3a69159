"""Bank cards, as far as anybody but a bank may look: which scheme, the last four digits, still valid.

The flow of EMV Book 1 clause 12 and Book 3 clauses 10.1 and 10.2 up to the records; no cryptogram is asked for, no PIN
is ever sent. Card number and track never leave the dialogue: PCI DSS 4.0, requirements 3.3 and 3.4.
"""

from __future__ import annotations

import calendar
import enum
import secrets
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from devices.chip import apdu, tlv
from devices.chip.apdu import Answer, Status
from devices.chip.tlv import unreadable
from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from devices.chip import Dialogue

DIRECTORY: Final = b"1PAY.SYS.DDF01"  # contacts (PSE)
PROXIMITY_DIRECTORY: Final = b"2PAY.SYS.DDF01"  # contactless (PPSE)
MAX_DIRECTORY_RECORDS: Final = 16
MAX_CANDIDATES: Final = 16
MAX_RECORDS: Final = 64  # that one application's file locator may name
MAX_LOCATOR: Final = 252  # bytes (EMV Book 3 clause 10.2)
MAX_PDOL_DATA: Final = 252  # with tag and length it still is a short command
PAN_DIGITS: Final = range(12, 20)  # ISO/IEC 7812-1; UnionPay has 13 to 19
SHOWN_DIGITS: Final = 4
CENTURY_TURN: Final = 50  # EMV Book 4 clause 6.7.3: years 50 to 99 are of the last century


class Scheme(enum.StrEnum):
    """Whose card it is, by the registered application provider (RID, the first five bytes of the AID)."""

    UNIONPAY = "unionpay"
    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    JCB = "jcb"
    DISCOVER = "discover"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BankCard:
    """What may be shown of a bank card. ``expired``: as of the day that was asked for; ``None``: the card is silent."""

    scheme: Scheme
    last_four: str = field(repr=False)
    expired: bool | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An application the card offers; ``priority`` 1 comes first, 0 has none."""

    aid: bytes
    priority: int


_RID_SIZE: Final = 5
_RIDS: Final = {
    bytes.fromhex("A000000333"): Scheme.UNIONPAY,
    bytes.fromhex("A000000003"): Scheme.VISA,
    bytes.fromhex("A000000004"): Scheme.MASTERCARD,
    bytes.fromhex("A000000025"): Scheme.AMEX,
    bytes.fromhex("A000000065"): Scheme.JCB,
    bytes.fromhex("A000000152"): Scheme.DISCOVER,
}
# Asked for one by one where a card has no directory.
_KNOWN_AIDS: Final = tuple(
    bytes.fromhex(aid)
    for aid in (
        *("A000000333010101", "A000000333010102", "A000000333010103", "A000000333010106"),
        *("A0000000031010", "A0000000032010", "A0000000041010", "A0000000043060"),
        *("A00000002501", "A0000000651010", "A0000001523010"),
    )
)
_BLOCKED: Final = frozenset({Status.FILE_INVALIDATED, Status.NOT_SUPPORTED, Status.APPLICATION_LOCKED})
# What a terminal tells an application that asks (PDOL): this one reads, in China, and pays nothing. Others get zeros.
_TERMINAL: Final = {
    0x9F66: bytes.fromhex("26000000"),  # transaction qualifiers: contactless EMV mode
    0x9F1A: bytes.fromhex("0156"),  # country
    0x5F2A: bytes.fromhex("0156"),  # currency
}
_TAG_DATE, _TAG_RANDOM = 0x9A, 0x9F37
_FCI, _RECORD, _ENTRY, _AID, _PRIORITY = 0x6F, 0x70, 0x61, 0x4F, 0x87
_DIRECTORY_FILE, _PDOL = 0x88, 0x9F38
_FORMAT_1, _FORMAT_2, _LOCATOR = 0x80, 0x77, 0x94
_PAN, _TRACK, _EXPIRY = 0x5A, 0x57, 0x5F24
_WANTED: Final = frozenset({_PAN, _TRACK, _EXPIRY})


def read_bank_card(today: date, *, contactless: bool = False) -> Dialogue[BankCard]:
    """Read the card's first application that answers; ``today`` decides whether it has expired.

    Raises ``MediumError``: ``CARD_UNKNOWN_KIND`` (no bank card), ``CARD_BLOCKED``, ``CARD_UNREADABLE``.
    """
    candidates = yield from _candidates(contactless=contactless)
    blocked = False
    for candidate in candidates:
        answer = apdu.parse((yield apdu.select(candidate.aid)))
        if answer.status in _BLOCKED:
            blocked = True
        if not answer.ok:
            continue
        fci = tlv.parse_one(answer.data, _FCI)
        found = yield from _read_application(fci.find(_PDOL) or b"", today)
        if found is not None:
            return _card(_aid_of(fci) or candidate.aid, found, today)
    if blocked:
        raise MediumError("the bank has blocked the card", code=DeviceCode.CARD_BLOCKED)
    raise MediumError("no bank application answers", code=DeviceCode.CARD_UNKNOWN_KIND)


def _candidates(*, contactless: bool) -> Dialogue[list[_Candidate]]:
    """List the applications by the card's own directories, or else those there may be."""
    directories = (_proximity_directory, _contact_directory)
    for directory in directories if contactless else reversed(directories):
        found = yield from directory()
        if found:
            ranked = sorted(found[:MAX_CANDIDATES], key=lambda each: each.priority or 0x10)
            return [*dict.fromkeys(ranked)]
    return [_Candidate(aid, 0) for aid in _KNOWN_AIDS]


def _proximity_directory() -> Dialogue[list[_Candidate]]:
    answer = apdu.parse((yield apdu.select(PROXIMITY_DIRECTORY)))
    return _entries(tlv.parse_one(answer.data, _FCI)) if answer.ok else []


def _contact_directory() -> Dialogue[list[_Candidate]]:
    answer = apdu.parse((yield apdu.select(DIRECTORY)))
    if not answer.ok:
        return []
    file = tlv.parse_one(answer.data, _FCI).find(_DIRECTORY_FILE)
    if file is None or len(file) != 1 or not 1 <= file[0] <= 10:  # noqa: PLR2004 - EMV Book 1 clause 12.2.3
        raise unreadable("payment directory names no file")
    found: list[_Candidate] = []
    for number in range(1, MAX_DIRECTORY_RECORDS + 1):
        record = apdu.parse((yield apdu.read_record(file[0], number)))
        if not record.ok:
            break
        found += _entries(tlv.parse_one(record.data, _RECORD))
    return found


def _entries(directory: tlv.Tlv) -> list[_Candidate]:
    found = []
    for entry in directory.walk():
        if entry.tag != _ENTRY:
            continue
        aid, priority = entry.find(_AID), entry.find(_PRIORITY) or b"\0"
        if aid is None or not 5 <= len(aid) <= 16 or len(priority) != 1:  # noqa: PLR2004 - ISO/IEC 7816-4 clause 12.2.3
            raise unreadable("entry of the payment directory")
        found.append(_Candidate(aid, priority[0] & 0x0F))
    return found


def _aid_of(fci: tlv.Tlv) -> bytes | None:
    """Return the name of what was selected: by a part of it, the card may have chosen."""
    return fci.find(0x84)


def _read_application(pdol: bytes, today: date) -> Dialogue[dict[int, bytes] | None]:
    """Begin and read the records until number and expiry are known; ``None``: the application does not want to."""
    answer = apdu.parse((yield _get_processing_options(pdol, today)))
    if not answer.ok:
        return None
    found, locator = _processing_options(answer)
    for command in _record_commands(locator):
        if _EXPIRY in found and (_PAN in found or _TRACK in found):
            break
        record = apdu.parse((yield command))
        if record.ok:
            found |= _wanted(tlv.parse_one(record.data, _RECORD))
    return found


def _get_processing_options(pdol: bytes, today: date) -> bytes:
    known = {**_TERMINAL, _TAG_DATE: bytes.fromhex(today.strftime("%y%m%d")), _TAG_RANDOM: secrets.token_bytes(4)}
    filled = b"".join(known.get(tag, b"").ljust(length, b"\0")[:length] for tag, length in tlv.parse_list(pdol))
    if len(filled) > MAX_PDOL_DATA:
        raise unreadable("card wants to know too much")
    head = bytes([0x83, len(filled)]) if len(filled) < 0x80 else bytes([0x83, 0x81, len(filled)])  # noqa: PLR2004 - BER
    return apdu.command(0x80, 0xA8, 0x00, 0x00, head + filled, apdu.SHORT_EXPECTED)


def _processing_options(answer: Answer) -> tuple[dict[int, bytes], bytes]:
    """Return what is wanted of the answer itself, and the file locator (EMV Book 3 clause 6.5.8.4)."""
    objects = tlv.parse(answer.data)
    if len(objects) != 1:
        raise unreadable("processing options")
    options = objects[0]
    if options.tag == _FORMAT_1 and len(options.value) >= 2:  # noqa: PLR2004 - the interchange profile
        return {}, options.value[2:]
    if options.tag == _FORMAT_2:
        return _wanted(options), options.find(_LOCATOR) or b""
    raise unreadable("processing options")


def _record_commands(locator: bytes) -> list[bytes]:
    if len(locator) % 4 or len(locator) > MAX_LOCATOR:
        raise unreadable("file locator")
    commands = []
    for at in range(0, len(locator), 4):
        file, first, last = locator[at] >> 3, locator[at + 1], locator[at + 2]
        if locator[at] & 0b111 or not 1 <= file <= 30 or not 1 <= first <= last:  # noqa: PLR2004 - Book 3 clause 10.2
            raise unreadable("file locator")
        commands += [apdu.read_record(file, number) for number in range(first, last + 1)]
        if len(commands) > MAX_RECORDS:
            raise unreadable(f"more than {MAX_RECORDS} records")
    return commands


def _wanted(template: tlv.Tlv) -> dict[int, bytes]:
    return {each.tag: each.value for each in template.walk() if each.tag in _WANTED}


def _card(aid: bytes, found: dict[int, bytes], today: date) -> BankCard:
    """Keep what may be shown; the number is overwritten before it is let go of."""
    number, expiry = _number_and_expiry(found)
    try:
        last_four = number[-SHOWN_DIGITS:].decode("ascii")
    finally:
        number[:] = bytes(len(number))
    expired = None if expiry is None else today > expiry
    return BankCard(_RIDS.get(aid[:_RID_SIZE], Scheme.OTHER), last_four, expired)


def _number_and_expiry(found: dict[int, bytes]) -> tuple[bytearray, date | None]:
    expiry = _day(found[_EXPIRY]) if _EXPIRY in found else None
    if _PAN in found:
        return _digits(found[_PAN].hex().rstrip("f")), expiry
    if _TRACK not in found:
        raise unreadable("no card number")
    number, separator, rest = found[_TRACK].hex().partition("d")
    if not separator or len(rest) < 4 or not rest[:4].isdecimal():  # noqa: PLR2004 - YYMM
        raise unreadable("track")
    return _digits(number), expiry or _last_of_month(rest[:4])


def _digits(text: str) -> bytearray:
    if len(text) not in PAN_DIGITS or not text.isdecimal():
        raise unreadable("card number")
    return bytearray(text, "ascii")


def _day(value: bytes) -> date:
    text = value.hex()
    try:
        return date(_year(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise unreadable("expiry") from None


def _last_of_month(text: str) -> date:
    year, month = _year(text[:2]), int(text[2:])
    if not 1 <= month <= 12:  # noqa: PLR2004 - months
        raise unreadable("expiry")
    return date(year, month, calendar.monthrange(year, month)[1])


def _year(text: str) -> int:
    short = int(text)
    return (1900 if short >= CENTURY_TURN else 2000) + short
