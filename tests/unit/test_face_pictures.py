"""The demo's people: their cards must be valid, their pictures must fit a card and move like people."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devices.sim.faces import CARD_BYTES, FACE_KEYS, NOBODY, Faces, FacesMissing
from devices.sim.personas import PERSONAS, Persona
from devices.values import CardKind, Sex

PORTRAITS = Faces(Path(__file__).parents[2] / "build" / "faces")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643

needs_faces = pytest.mark.skipif(not PORTRAITS.available(), reason="the portraits were not fetched: run make setup")
residents = [persona for persona in PERSONAS.values() if persona.kind is CardKind.RESIDENT]


@needs_faces
@pytest.mark.parametrize("face", [key for key in FACE_KEYS if key != NOBODY])
def test_card_picture_fits_the_block_of_a_card(face: str) -> None:
    content = PORTRAITS.card_photo(face)
    assert len(content) <= CARD_BYTES
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (102, 126))
    assert PORTRAITS.card_photo(face) == content, "the same card every time"


@needs_faces
def test_camera_pictures_move_and_no_two_are_equal() -> None:
    pictures = list(PORTRAITS.clip("face_a", frames=8))
    assert {picture.shape for picture in pictures} == {(480, 640, 3)}
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    moved = np.abs(pictures[0].astype(int) - pictures[3].astype(int)).mean(axis=2) > 20
    assert moved[100:400, 200:440].mean() > 0.02, "the person moves"
    assert moved[:80, :100].mean() < 0.001, "the room stands still"


def test_missing_portraits_are_told_with_the_remedy(tmp_path: Path) -> None:
    faces = Faces(tmp_path)
    assert not faces.available()
    with pytest.raises(FacesMissing, match="make setup"):
        faces.card_photo("face_a")
    assert len(list(faces.clip(NOBODY, frames=2))) == 2, "an empty room needs no portrait"


def test_empty_room_has_no_card() -> None:
    with pytest.raises(KeyError):
        PORTRAITS.card_photo(NOBODY)


@pytest.mark.parametrize("persona", PERSONAS.values(), ids=lambda persona: persona.key)
def test_persona_has_a_face_and_fits_its_card(persona: Persona) -> None:
    assert persona.face in FACE_KEYS
    assert len(persona.name) <= 15
    assert len(persona.address) <= 35
    assert len(persona.authority) <= 15
    assert persona.valid_until is None or persona.valid_from < persona.valid_until


@pytest.mark.parametrize("persona", residents, ids=lambda persona: persona.key)
def test_invented_number_is_well_formed_and_nobody_s(persona: Persona) -> None:
    number = persona.number
    assert number.startswith("999999"), "an area that does not exist"
    assert number[6:14] == f"{persona.birth:%Y%m%d}"
    assert (int(number[16]) % 2 == 1) == (persona.sex is Sex.MALE)
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], WEIGHTS, strict=True))
    assert number[17] == "10X98765432"[total % 11]


def test_there_is_one_card_of_each_kind_and_an_expired_one() -> None:
    assert {persona.kind for persona in PERSONAS.values()} == set(CardKind)
    assert PERSONAS["p1_expired"].number == PERSONAS["p1"].number
    assert all(key == persona.key for key, persona in PERSONAS.items())
