"""What a travel document says, and how far it was proven."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from devices.chip.emrtd.chip_proof import ChipProof
    from devices.chip.emrtd.face import PictureType
    from devices.chip.emrtd.passive_authentication import Authenticity
    from devices.values import Pii, Sex


class Access(enum.StrEnum):
    """How the chip was opened."""

    PACE = "pace"
    BAC = "bac"  # the chip offers no PACE
    BAC_FOR_PACE = "bac_for_pace"  # it offers PACE in a way that is not spoken here, or does not do what it offers


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelDocument:
    """One document as read. All that names a person is ``Pii``; ``portrait`` is the encoded picture.

    ``authenticity`` is ``TRUSTED`` or ``ISSUER_UNKNOWN``: a document that failed is an error, not a value.
    ``birth`` is ``None`` where the document leaves day or month open.
    """

    document_code: str  # one or two letters: P, I, AC …
    issuing_state: str  # ISO 3166-1 alpha-3 and the codes of Doc 9303-3 clause 5
    number: Pii[str]
    surname: Pii[str]
    given_names: Pii[str]
    nationality: str
    birth: Pii[date] | None
    sex: Sex
    expiry: date
    portrait: Pii[bytearray]
    portrait_type: PictureType
    authenticity: Authenticity
    reason: str  # of that judgement, for technicians
    signer: str  # country of the document's signer, two letters; compare with issuing_state where it matters
    access: Access
    chip_proof: ChipProof  # NONE, WITHHELD: what was read may come from a copy of the chip

    def expired(self, today: date) -> bool:
        """Tell whether the document's term ended before ``today``."""
        return today > self.expiry

    def wipe(self) -> None:
        """Forget every personal value."""
        for value in (self.number, self.surname, self.given_names, self.portrait):
            value.wipe()
        if self.birth is not None:
            self.birth.wipe()
