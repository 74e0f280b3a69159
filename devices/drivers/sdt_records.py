"""What an identity card says: the reply to a read, and its 256-byte text block, as an ``IdentityCard``. Pure.

The text block is UTF-16LE in fixed fields, padded with blanks; the letter at offset 248 selects the layout. Offsets
below are bytes. Checks follow GB 11643 (citizen number, ISO 7064 MOD 11-2). No text of the card ever reaches an
exception: causes that would carry it are not even chained.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from devices.errors import DeviceCode, DeviceProtocolError, MediumError
from devices.values import CardKind, IdentityCard, Pii, Sex

TEXT_SIZE = 256
MAX_PHOTO_SIZE = 1024
SELECTOR = slice(248, 250)
PADDING = " \0"
LONG_TERM = "长期"
DATE_DIGITS = 8

NUMBER_SIZE = 18
NUMBER_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
NUMBER_CHECKS = "10X98765432"
NUMBER_BIRTH = slice(6, 14)
NUMBER_SEX_DIGIT = 16  # odd: male
HMT_AREAS = ("810000", "820000", "830000")  # Hong Kong, Macau, Taiwan
FOREIGNER_2023_FIRST_DIGIT = "9"

NUMBER_2017_SIZE = 15  # alpha-3, area 4, YYMMDD, sequence 1, check 1
NUMBER_2017_BIRTH = slice(7, 13)
NUMBER_2017_WEIGHTS = (7, 3, 1)

LATIN_FIRST_CHARS = slice(52, 122)  # 2023 card: 35 characters ...
LATIN_LAST_CHARS = slice(220, 242)  # ... and 11 more

_SEX_CODES = frozenset(Sex)

WARN_SEX_PARITY = "sex_parity"
WARN_NUMBER_2017_CHECK = "number_2017_check"


@dataclass(frozen=True, slots=True)
class CardBlocks:
    """The blocks of one successful read."""

    text: bytearray = field(repr=False)
    photo: bytearray = field(repr=False)

    def wipe(self) -> None:
        """Overwrite both."""
        for block in (self.text, self.photo):
            block[:] = bytes(len(block))


def split_blocks(data: bytearray) -> CardBlocks:
    """Split the data of a read: two big-endian lengths, then the blocks.

    Raises ``DeviceProtocolError`` when the lengths do not add up (as with a fingerprint, which nobody asked for) or a
    block is larger than the card's.
    """
    head = 4
    lengths = [int.from_bytes(data[at : at + 2], "big") for at in range(0, head, 2)]
    if len(data) < head or len(data) != head + sum(lengths):
        raise DeviceProtocolError(f"read reply of {len(data)} bytes announces blocks of {lengths}")
    text_size, photo_size = lengths
    if text_size != TEXT_SIZE or photo_size > MAX_PHOTO_SIZE:
        raise DeviceProtocolError(f"text of {text_size} and photo of {photo_size} bytes are no identity card's")
    return CardBlocks(data[head : head + text_size], data[head + text_size :])


def parse_identity(text: bytes | bytearray, photo: bytes | bytearray) -> IdentityCard:
    """Read the text block by the layout its selector names and check it.

    Raises ``MediumError``: ``CARD_UNKNOWN_KIND`` for a selector that is not known (never read as a resident's card),
    ``CARD_INVALID`` when number, birth date or a term contradicts itself. A sex that does not fit the number is only a
    warning: such cards were issued.
    """
    fields = _Fields(text)
    match fields.text(SELECTOR):
        case "":
            return _citizen(fields, photo, CardKind.RESIDENT)
        case "J":
            return _citizen(fields, photo, CardKind.HMT_PERMIT)
        case "I":
            return _foreigner_2017(fields, photo)
        case "Y":
            return _foreigner_2023(fields, photo)
        case _:
            raise MediumError("card of a kind this reader cannot name", code=DeviceCode.CARD_UNKNOWN_KIND)


def _citizen(fields: _Fields, photo: bytes | bytearray, kind: CardKind) -> IdentityCard:
    """Resident card, and the Hong Kong, Macau and Taiwan permit, which has a travel permit instead of a people."""
    resident = kind is CardKind.RESIDENT
    number, sex = fields.text(slice(122, 158)), fields.sex(slice(30, 32))
    birth = fields.day(slice(36, 52), "birth")
    _check_number(number, birth)
    if not resident and not number.startswith(HMT_AREAS):
        raise _invalid("number does not begin with an area of this kind of card")
    return IdentityCard(
        kind=kind,
        name=Pii(fields.required(slice(0, 30), "name")),
        number=Pii(number),
        sex=sex,
        birth=Pii(birth),
        valid_from=fields.day(slice(188, 204), "first day of validity"),
        valid_until=fields.last_day(slice(204, 220)),
        photo=Pii(bytearray(photo)),
        ethnic_group=fields.text(slice(32, 36)) if resident else None,
        address=Pii(fields.text(slice(52, 122))),
        authority=fields.text(slice(158, 188)),
        permit_number=None if resident else Pii(fields.text(slice(220, 238))),
        warnings=_sex_warnings(number, sex),
    )


def _foreigner_2017(fields: _Fields, photo: bytes | bytearray) -> IdentityCard:
    number, birth = fields.text(slice(122, 152)), fields.day(slice(220, 236), "birth")
    if len(number) != NUMBER_2017_SIZE or number[NUMBER_2017_BIRTH] != birth.strftime("%y%m%d"):
        raise _invalid("number and birth date do not belong together")
    latin = fields.required(slice(0, 120), "name")
    return IdentityCard(
        kind=CardKind.FOREIGN_2017,
        name=Pii(fields.text(slice(158, 188)) or latin),
        number=Pii(number),
        sex=fields.sex(slice(120, 122)),
        birth=Pii(birth),
        valid_from=fields.day(slice(188, 204), "first day of validity"),
        valid_until=fields.last_day(slice(204, 220)),
        photo=Pii(bytearray(photo)),
        latin_name=Pii(latin),
        nationality=fields.text(slice(152, 158)),
        authority=fields.text(slice(240, 248)),
        # The check digit's rule rests on one published source: worth a look, too little to refuse a person.
        warnings=frozenset() if _check_2017(number) == number[-1] else frozenset({WARN_NUMBER_2017_CHECK}),
    )


def _foreigner_2023(fields: _Fields, photo: bytes | bytearray) -> IdentityCard:
    number, birth = fields.text(slice(122, 158)), fields.day(slice(36, 52), "birth")
    _check_number(number, birth)
    if not number.startswith(FOREIGNER_2023_FIRST_DIGIT):
        raise _invalid("number does not begin with the digit of this kind of card")
    # The first part keeps its trailing blanks: the name may have one exactly where it is cut.
    latin = (fields.raw(LATIN_FIRST_CHARS) + fields.raw(LATIN_LAST_CHARS)).rstrip(PADDING)
    name = fields.text(slice(0, 30)) or latin
    if not name:
        raise _invalid("name is blank")
    return IdentityCard(
        kind=CardKind.FOREIGN_2023,
        name=Pii(name),
        number=Pii(number),
        sex=fields.sex(slice(30, 32)),
        birth=Pii(birth),
        valid_from=fields.day(slice(188, 204), "first day of validity"),
        valid_until=fields.last_day(slice(204, 220)),
        photo=Pii(bytearray(photo)),
        latin_name=Pii(latin),
        nationality=fields.text(slice(242, 248)),
    )


class _Fields:
    """The text block, a field at a time; every refusal names the field and never its content."""

    def __init__(self, block: bytes | bytearray) -> None:
        if len(block) != TEXT_SIZE:
            raise DeviceProtocolError(f"text block of {len(block)} bytes instead of {TEXT_SIZE}")
        self._block = bytes(block)

    def raw(self, where: slice) -> str:
        """Whole field at once: a rare character takes two of its 16-bit units."""
        text = self._block[where].decode("utf-16-le", errors="surrogatepass")
        if any("\ud800" <= char <= "\udfff" for char in text):  # half a character: no writer of cards makes one
            raise _invalid("text is not UTF-16")
        return text

    def text(self, where: slice) -> str:
        return self.raw(where).rstrip(PADDING)

    def required(self, where: slice, what: str) -> str:
        text = self.text(where)
        if not text:
            raise _invalid(f"{what} is blank")
        return text

    def day(self, where: slice, what: str) -> date:
        day = _date(self.text(where))
        if day is None:
            raise _invalid(f"{what} is not a date")
        return day

    def last_day(self, where: slice) -> date | None:
        """Last day of validity; ``None`` for a card that is valid for life."""
        return None if self.text(where) == LONG_TERM else self.day(where, "last day of validity")

    def sex(self, where: slice) -> Sex:
        code = self.text(where)
        if code not in _SEX_CODES:
            raise _invalid("sex is not a code of GB/T 2261.1")
        return Sex(code)


def check_character(first17: str) -> str:
    """Return the 18th character of a citizen number (ISO 7064 MOD 11-2 by the weights of GB 11643)."""
    return NUMBER_CHECKS[sum(int(digit) * weight for digit, weight in zip(first17, NUMBER_WEIGHTS, strict=True)) % 11]


def _check_number(number: str, birth: date) -> None:
    digits = number[:-1]
    if len(number) != NUMBER_SIZE or not (digits.isascii() and digits.isdigit()):
        raise _invalid("number does not have 18 places")
    if number[-1] != check_character(digits):
        raise _invalid("check digit of the number is wrong")
    if number[NUMBER_BIRTH] != birth.strftime("%Y%m%d"):
        raise _invalid("number and birth date do not belong together")


def _check_2017(number: str) -> str:
    """Return the last digit by the rule of machine-readable travel documents (weights 7 3 1, A = 10 … Z = 35)."""
    body = number[:-1]
    if not (body.isascii() and body.isalnum()):
        return ""
    return str(sum(int(char, 36) * NUMBER_2017_WEIGHTS[at % 3] for at, char in enumerate(body)) % 10)


def _sex_warnings(number: str, sex: Sex) -> frozenset[str]:
    by_number = Sex.MALE if int(number[NUMBER_SEX_DIGIT]) % 2 else Sex.FEMALE
    return frozenset() if sex is by_number else frozenset({WARN_SEX_PARITY})


def _date(digits: str) -> date | None:
    """Return YYYYMMDD as a date, ``None`` when it is not one; no exception that could quote it."""
    if len(digits) != DATE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    try:
        return date(year, month, day)
    except ValueError:  # its text quotes at most "day is out of range", and it is not chained
        return None


def _invalid(detail: str) -> MediumError:
    return MediumError(detail, code=DeviceCode.CARD_INVALID)
