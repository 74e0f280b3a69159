"""What opens the chip: the machine-readable zone, or the six digits printed on the card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.chip.emrtd.mrz import key_of
from devices.values import Pii

if TYPE_CHECKING:
    from datetime import date

    from devices.chip.emrtd.mrz import Mrz

CAN_DIGITS = 6  # Doc 9303-4 clause 4.4


@dataclass(frozen=True, slots=True)
class MrzKey:
    """Number, birth and expiry as the zone writes them, each with its check digit."""

    information: Pii[str]

    @classmethod
    def of(cls, number: str, birth: date, expiry: date) -> MrzKey:
        """Make the key from what a person typed. Raises ``ValueError`` for a character that no zone has."""
        try:
            return cls(Pii(key_of(number.upper(), birth.strftime("%y%m%d"), expiry.strftime("%y%m%d"))))
        except KeyError:  # not chained: its text is a character of the number
            raise ValueError("a document number is of letters A-Z and digits") from None

    @classmethod
    def from_mrz(cls, mrz: Mrz) -> MrzKey:
        """Make the key from a zone that was read."""
        return cls(Pii(mrz.key.reveal()))

    def secret(self) -> bytes:
        """Return the 20 bytes from which BAC (the first 16) and PACE derive their keys (Doc 9303-11 clause 4.3.2)."""
        return hashlib.sha1(self.information.reveal().encode("ascii")).digest()  # noqa: S324 - the standard's

    def wipe(self) -> None:
        """Forget it."""
        self.information.wipe()


@dataclass(frozen=True, slots=True)
class Can:
    """The card access number. It opens chips that offer PACE, and no others."""

    digits: Pii[str]

    @classmethod
    def of(cls, digits: str) -> Can:
        """Make the key from what a person typed. Raises ``ValueError``: not six digits."""
        if len(digits) != CAN_DIGITS or not (digits.isascii() and digits.isdigit()):
            raise ValueError("a card access number has six digits")
        return cls(Pii(digits))

    def secret(self) -> bytes:
        """Return the bytes from which PACE derives its key."""
        return self.digits.reveal().encode("ascii")

    def wipe(self) -> None:
        """Forget it."""
        self.digits.wipe()


AccessKey = MrzKey | Can
