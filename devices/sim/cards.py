"""The card of an invented person, as it lies on the simulated reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.sim.photo_block import encode_photo_block
from devices.sim.sdt_card import SimCard
from devices.values import CardKind

if TYPE_CHECKING:
    from devices.sim.faces import Faces
    from devices.sim.personas import Persona


def photo_of(persona: Persona, faces: Faces) -> bytes:
    """Return the 1,024 bytes on the card. Half a second of work at the first call for a face."""
    return encode_photo_block(faces.card_photo(persona.face))


def card_of(persona: Persona, photo: bytes) -> SimCard:
    """Write the persona's card with this photo block."""
    sex = persona.sex.value
    match persona.kind:
        case CardKind.RESIDENT:
            return SimCard.resident(
                name=persona.name,
                sex=sex,
                birth=persona.birth,
                number=persona.number,
                valid_from=persona.valid_from,
                valid_until=persona.valid_until,
                ethnic_group=persona.ethnic,
                address=persona.address,
                authority=persona.authority,
                photo=photo,
            )
        case CardKind.HMT_PERMIT:
            return SimCard.hmt_permit(
                name=persona.name,
                sex=sex,
                birth=persona.birth,
                number=persona.number,
                valid_from=persona.valid_from,
                valid_until=persona.valid_until,
                permit_number=persona.permit_number,
                address=persona.address,
                authority=persona.authority,
                photo=photo,
            )
        case CardKind.FOREIGN_2017:
            return SimCard.foreign_2017(
                latin_name=persona.latin_name,
                sex=sex,
                birth=persona.birth,
                number=persona.number,
                nationality=persona.nationality,
                valid_from=persona.valid_from,
                valid_until=persona.valid_until,
                name=persona.name,
                authority=persona.authority,
                photo=photo,
            )
        case CardKind.FOREIGN_2023:
            return SimCard.foreign_2023(
                latin_name=persona.latin_name,
                sex=sex,
                birth=persona.birth,
                number=persona.number,
                nationality=persona.nationality,
                valid_from=persona.valid_from,
                valid_until=persona.valid_until,
                name=persona.name,
                photo=photo,
            )
