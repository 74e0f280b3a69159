"""Whole readings of a chip in memory: every way to open it, every manner it may have, every fault it may show."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest

from devices.chip.emrtd import Access, Authenticity, Can, MrzKey, PictureType, TrustAnchors, read_travel_document
from devices.chip.emrtd.conversation import File
from devices.errors import DeviceCode, DeviceError, MediumError
from devices.sim import emrtd_curves
from devices.sim.emrtd_chip import Refused
from devices.sim.emrtd_crypto import AES_128, AES_192, AES_256, TDES, SimCurve, SimPrimeGroup, tlv
from devices.sim.emrtd_issuer import Issuer
from devices.sim.emrtd_pace import PaceProfile
from devices.sim.emrtd_traveller import COM, DG1, DG2, JPEG_2000, SOD, Traveller, face, files_of
from tests.emrtd import KEY, TODAY, TRAVELLER, chip_of, jpeg, play, read

WRONG_KEY = MrzKey.of("X99999999", TRAVELLER.birth, TRAVELLER.expiry)
DH = json.loads((Path(__file__).parent / "vectors" / "emrtd.json").read_text(encoding="utf-8"))["pace_dh"]
PRIMES = SimPrimeGroup(0, *(int(DH[name], 16) for name in "pgq"))
CURVES = [curve for curve in vars(emrtd_curves).values() if isinstance(curve, SimCurve)]


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(TODAY)


@pytest.fixture(scope="module")
def anchors(issuer: Issuer) -> TrustAnchors:
    return TrustAnchors.of(issuer.anchor)


def refusal(chip, anchors, key=KEY) -> DeviceError:
    with pytest.raises(DeviceError) as error:
        read(chip, anchors, key)
    assert TRAVELLER.number not in str(error.value)
    assert TRAVELLER.surname not in str(error.value)
    return error.value


def test_document_opened_by_its_zone_is_read_and_trusted(issuer: Issuer, anchors: TrustAnchors) -> None:
    document = read(chip_of(issuer, jpeg(160)), anchors)
    assert document.authenticity is Authenticity.TRUSTED
    assert document.access is Access.BAC
    assert document.number.reveal() == TRAVELLER.number
    assert (document.surname.reveal(), document.given_names.reveal()) == ("MUSTERPERSON", "ERIKA ANNA")
    assert document.birth is not None
    assert (document.birth.reveal(), document.expiry) == (TRAVELLER.birth, TRAVELLER.expiry)
    assert (document.issuing_state, document.nationality, document.signer) == ("UTO", "UTO", "UT")
    assert bytes(document.portrait.reveal()) == jpeg(160)
    assert document.portrait_type is PictureType.JPEG
    assert TRAVELLER.surname not in repr(document)
    assert not document.expired(document.expiry)
    assert document.expired(document.expiry + timedelta(days=1))
    picture = document.portrait.reveal()
    document.wipe()
    assert not any(picture)


@pytest.mark.parametrize("cipher", [TDES, AES_128, AES_192, AES_256], ids=["3DES", "128", "192", "256"])
@pytest.mark.parametrize("key", [KEY, Can.of("498213")], ids=["zone", "number"])
def test_pace_opens_with_every_cipher_and_both_passwords(issuer, anchors, cipher, key) -> None:
    chip = chip_of(issuer, pace=PaceProfile(cipher=cipher), can="498213")
    document = read(chip, anchors, key)
    assert document.access is Access.PACE
    assert document.authenticity is Authenticity.TRUSTED


@pytest.mark.parametrize("group", [*CURVES, PRIMES], ids=lambda group: str(group.number))
def test_pace_opens_on_every_group(issuer, anchors, group) -> None:
    assert read(chip_of(issuer, pace=PaceProfile(group, AES_256)), anchors).access is Access.PACE


@pytest.mark.parametrize("profile", [PaceProfile(mapping=4), PaceProfile(refused=True)], ids=["integrated", "refused"])
def test_pace_that_is_not_spoken_gives_way_to_bac_and_says_so(issuer, anchors, profile) -> None:
    chip = chip_of(issuer, pace=profile, can="498213")
    assert read(chip, anchors).access is Access.BAC_FOR_PACE
    assert refusal(chip, anchors, Can.of("498213")).code is DeviceCode.CHIP_ACCESS


@pytest.mark.parametrize("profile", [None, PaceProfile()], ids=["BAC", "PACE"])
@pytest.mark.parametrize("key", [WRONG_KEY, Can.of("000000")], ids=["zone", "number"])
def test_wrong_key_is_tried_once_and_never_again(issuer, anchors, profile, key) -> None:
    """A chip answers more and more slowly after each wrong one; a dialogue that tries again makes it worse."""
    chip = chip_of(issuer, pace=profile, can="498213", sleep=lambda _: None)
    if profile is None and isinstance(key, Can):
        return
    assert refusal(chip, anchors, key).code is DeviceCode.CHIP_ACCESS
    assert chip.wrong_keys == 1
    chip.reset()
    assert refusal(chip, anchors, key).code is DeviceCode.CHIP_ACCESS
    assert chip.delayed_s == pytest.approx(0.5 + 1.0)
    chip.reset()
    assert read(chip, anchors).authenticity is Authenticity.TRUSTED
    assert chip.wrong_keys == 0


@pytest.mark.parametrize("number", [1, 2, 5, 9])
def test_answer_with_a_wrong_proof_is_refused(issuer, anchors, number) -> None:
    chip = chip_of(issuer)
    chip.faults.wrong_proof = number
    assert refusal(chip, anchors).code is DeviceCode.CARD_REFUSED


@pytest.mark.parametrize("number", [2, 6])
def test_answer_said_before_is_refused(issuer, anchors, number) -> None:
    chip = chip_of(issuer)
    chip.faults.said_before = number
    assert refusal(chip, anchors).code is DeviceCode.CARD_REFUSED


@pytest.mark.parametrize("number", [1, 4, 8])
@pytest.mark.parametrize("profile", [None, PaceProfile()], ids=["BAC", "PACE"])
def test_session_that_the_chip_ends_is_opened_once_more(issuer, anchors, profile, number) -> None:
    chip = chip_of(issuer, pace=profile)
    chip.faults.ends_session = number
    assert read(chip, anchors).authenticity is Authenticity.TRUSTED


def test_session_that_ends_again_is_given_up(issuer, anchors) -> None:
    chip = chip_of(issuer)
    answers = []

    def ending(command: bytes) -> bytes:
        if not chip.faults.ends_session:
            chip.faults.ends_session = 3
        answers.append(chip.answer(command))
        return answers[-1]

    with pytest.raises(MediumError, match="twice"):
        play(read_travel_document(KEY, anchors, today=TODAY), ending)
    assert answers.count(b"\x69\x88") == 2


@pytest.mark.parametrize("file", [COM, SOD, DG1, DG2])
@pytest.mark.parametrize("lie", ["huge", "indefinite", "truncated", "empty", "other", "longer"])
def test_file_that_lies_about_itself_ends_in_an_error(issuer, anchors, file, lie) -> None:
    chip = chip_of(issuer)
    content = chip.files[file]
    chip.files[file] = {
        "huge": content[:1] + b"\x84\xff\xff\xff\xff" + content[2:],
        "indefinite": content[:1] + b"\x80" + content[2:],
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "other": b"\x04" + content[1:],
        "longer": content[:1] + b"\x83\x0f\xff\xff" + content[2:],
    }[lie]
    assert refusal(chip, anchors).code in {DeviceCode.CARD_UNREADABLE, DeviceCode.CARD_REFUSED}


def test_document_without_a_list_is_read_all_the_same(issuer, anchors) -> None:
    chip = chip_of(issuer)
    del chip.files[COM]
    assert read(chip, anchors).authenticity is Authenticity.TRUSTED


def test_document_without_a_face_is_of_an_unknown_kind(issuer, anchors) -> None:
    chip = chip_of(issuer)
    chip.files[COM] = tlv(0x60, tlv(0x5F01, b"0107"), tlv(0x5C, b"\x61\x6e"))
    assert refusal(chip, anchors).code is DeviceCode.CARD_UNKNOWN_KIND


def test_card_that_is_no_travel_document_is_of_an_unknown_kind(anchors) -> None:
    with pytest.raises(MediumError) as error:
        play(read_travel_document(KEY, anchors, today=TODAY), lambda _: b"\x6a\x82")
    assert error.value.code is DeviceCode.CARD_UNKNOWN_KIND


def test_card_of_three_lines_and_a_long_number_is_read(issuer, anchors) -> None:
    traveller = Traveller(card=True, number="D23145890734")
    chip = chip_of(issuer)
    chip = type(chip)(files_of(traveller, jpeg(), issuer), traveller.key())
    document = read(chip, anchors, MrzKey.of(traveller.number, traveller.birth, traveller.expiry))
    assert (document.document_code, document.number.reveal()) == ("I", "D23145890734")


@pytest.mark.parametrize("points", [0, 3])
def test_jpeg_2000_is_told_from_jpeg(issuer, anchors, points) -> None:
    picture = jpeg(kind="JPEG2000")
    chip = chip_of(issuer)
    files = files_of(TRAVELLER, picture, issuer, kind=JPEG_2000)
    files[DG2] = face(picture, JPEG_2000, points=points)
    files[SOD] = issuer.security_object({1: files[DG1], 2: files[DG2]})
    chip.files = files
    document = read(chip, anchors)
    assert document.portrait_type is PictureType.JPEG_2000
    assert bytes(document.portrait.reveal()) == picture


def test_picture_in_another_record_is_searched_for_and_no_picture_is_an_error(issuer, anchors) -> None:
    for record, found in ((b"\x61\x10new record" + jpeg(), True), (b"FAC\0010\0" + bytes(99), False), (b"", False)):
        data = tlv(0x75, tlv(0x7F61, tlv(0x02, b"\1"), tlv(0x7F60, tlv(0xA1, b""), tlv(0x7F2E, record))))
        chip = chip_of(issuer)
        chip.files[DG2] = data
        chip.files[SOD] = issuer.security_object({1: chip.files[DG1], 2: data})
        if found:
            assert bytes(read(chip, anchors).portrait.reveal()) == jpeg()
        else:
            assert refusal(chip, anchors).code is DeviceCode.CARD_PHOTO


def test_block_is_the_largest_that_chip_and_reader_can_carry(issuer, anchors) -> None:
    """20 KiB in blocks of 223 bytes take some ninety commands; a chip that can do more is asked for more."""
    picture = jpeg(150)
    counts = {}
    for largest in (256, 2000, 40000):
        chip = chip_of(issuer, picture, largest_answer=largest, pace=PaceProfile())
        played = play(read_travel_document(KEY, anchors, today=TODAY), chip.answer)
        assert bytes(played.result.portrait.reveal()) == picture
        counts[largest] = played.commands
    assert counts[256] > 3 * counts[2000]
    assert counts[2000] > counts[40000]
    chip = chip_of(issuer, picture, largest_answer=40000, pace=PaceProfile())
    dialogue = read_travel_document(KEY, anchors, today=TODAY, largest_answer=256)
    assert play(dialogue, chip.answer).commands == pytest.approx(counts[256], abs=3)


def test_chip_that_promises_longer_answers_than_it_gives_is_read_with_short_ones(issuer, anchors) -> None:
    chip = chip_of(issuer, jpeg(150), largest_answer=4000)
    chip._largest = 256
    assert read(chip, anchors).authenticity is Authenticity.TRUSTED


@pytest.mark.parametrize("largest", [256, 3000])
def test_face_beyond_32_kib_needs_the_odd_instruction(issuer, anchors, largest) -> None:
    picture = jpeg() + bytes(100_000)
    document = read(chip_of(issuer, picture, largest_answer=largest), anchors)
    assert bytes(document.portrait.reveal()) == picture


def test_face_larger_than_any_real_one_is_not_read(issuer, anchors) -> None:
    error = refusal(chip_of(issuer, jpeg() + bytes(File.DG2.largest), largest_answer=60000), anchors)
    assert "claims more" in error.detail


def test_chip_that_trickles_is_given_up(issuer, anchors) -> None:
    """One byte an answer would keep a person waiting for an hour."""
    chip = chip_of(issuer, jpeg(150))
    original = chip._read
    chip._read = lambda request: original(dataclasses.replace(request, le=min(request.le, 9)))  # type: ignore[method-assign]
    assert "cut short" in refusal(chip, anchors).detail


def test_chip_that_refuses_to_read_past_the_end_is_asked_for_the_header_first(issuer, anchors) -> None:
    chip = chip_of(issuer)
    original = chip._read

    def strict(request):
        if request.le > len(chip._file):
            raise Refused(0x6B00)
        return original(request)

    chip._read = strict  # type: ignore[method-assign]
    assert read(chip, anchors).authenticity is Authenticity.TRUSTED


def test_chip_that_ends_the_session_when_asked_past_the_end_is_read_carefully(issuer, anchors) -> None:
    chip = chip_of(issuer)
    read_file, protected = chip._read, chip._protected
    past = []

    def reading(request):
        past.append(request.le > len(chip._file))
        return read_file(request)

    def ending(request):
        before = len(past)
        answer = protected(request)
        return chip._end(0x6700) if any(past[before:]) else answer

    chip._read, chip._protected = reading, ending  # type: ignore[method-assign]
    assert read(chip, anchors).authenticity is Authenticity.TRUSTED
    assert past.count(True) == 1
