"""A document is believed only when one seal of a pinned authority covers all of it."""

from __future__ import annotations

import hashlib
import io
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pyhanko.pdf_utils.generic import NullObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm

from central.authority import Identity, new_document_signer, new_root
from central.certificates import CaseRef, Certificate, Period, rows_for
from central.drawing import draw
from central.register import Register
from central.sealing import DocumentSealer
from devices.values import Pii
from kiosk.documents.guard import WrongPerson, check_subject
from kiosk.documents.seal import (
    SealCode,
    SealedDocument,
    SealRefused,
    Subject,
    Verifier,
    normalised,
    normalised_name,
    verify,
)
from kiosk.session import Person
from offline_queue.wire import ItemId
from typefaces import Typefaces

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CASE = ItemId("K0001", "ab" * 16, 7)
NAME, NUMBER = "测试·张老伯", "999999195203070019"
OTHER_NAME, OTHER_NUMBER = "测试李梅", "999999198808150023"


def digest(pdf: bytes) -> str:
    return hashlib.sha256(pdf).hexdigest()


def certificate(name: str = NAME, number: str = NUMBER) -> Certificate:
    person = Register.load().find(name, number)
    assert person is not None
    period = Period.parse("2025-12/2026-11")
    return Certificate(
        document="d1",
        number="DEMO-SB-2026-000001",
        code="0123456789AB",
        case=CaseRef(CASE.kiosk, CASE.epoch, CASE.seq),
        name=name,
        id_no=number,
        period=period,
        rows=rows_for(person, ["pension", "injury"], period, show_employers=True),
        show_employers=True,
        issued=NOW,
        verify_url="https://127.0.0.1/verify?code=0123456789AB",
    )


class _Forged(Certificate):
    """Sheets of one person with the subject of another: what a confused or hostile central might make."""

    def subject(self) -> bytes:
        return replace(certificate(), name=OTHER_NAME, id_no=OTHER_NUMBER).subject()


@pytest.fixture(scope="module")
def typefaces(tmp_path_factory: pytest.TempPathFactory) -> Typefaces:
    return Typefaces(tmp_path_factory.mktemp("typefaces"))


@pytest.fixture(scope="module")
def root() -> Identity:
    return new_root("root", NOW)


@pytest.fixture(scope="module")
def signer(root: Identity) -> Identity:
    return new_document_signer(root, "office", NOW)


@pytest.fixture(scope="module")
def unsealed(typefaces: Typefaces) -> bytes:
    return draw(certificate(), typefaces)[0]


@pytest.fixture(scope="module")
def sealed(unsealed: bytes, signer: Identity, root: Identity) -> bytes:
    return DocumentSealer(signer, root).seal(unsealed)


@pytest.fixture(scope="module")
def verifier(root: Identity) -> Verifier:
    return Verifier([root.certificate_pem()])


def refusal(verifier: Verifier, pdf: bytes, at: datetime = NOW, sha256: str = "") -> SealCode:
    with pytest.raises(SealRefused) as caught:
        verifier.verify(pdf, sha256 or digest(pdf), at)
    assert NAME not in str(caught.value)
    assert NUMBER not in str(caught.value)
    return caught.value.seal


def test_a_genuine_document_names_its_person_and_case(verifier: Verifier, sealed: bytes) -> None:
    document = verifier.verify(sealed, digest(sealed), NOW)
    subject = document.subject
    assert (subject.name.reveal(), subject.id_no.reveal()) == (NAME, NUMBER)
    assert (subject.kiosk, subject.epoch, subject.seq) == (CASE.kiosk, CASE.epoch, CASE.seq)
    assert (document.pages, document.signer) == (1, "office")
    assert NAME not in repr(document)


def test_the_authority_may_come_as_a_file_or_as_bytes(root: Identity, sealed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(root.certificate_pem())
    assert verify(sealed, [path], digest(sealed), NOW).pages == 1


def test_no_authority_means_no_verifier() -> None:
    with pytest.raises(ValueError, match="no authority"):
        Verifier([])


def test_other_bytes_than_announced_are_refused_whatever_their_seal(verifier: Verifier, sealed: bytes) -> None:
    assert refusal(verifier, sealed, sha256="0" * 64) is SealCode.HASH


def test_one_flipped_bit_under_the_seal_is_never_accepted(verifier: Verifier, sealed: bytes) -> None:
    chance = random.Random(1)  # noqa: S311 - repeatable on purpose
    start, length, tail, rest = PdfFileReader(io.BytesIO(sealed)).embedded_signatures[0].byte_range
    places = [*range(start, start + length), *range(tail, tail + rest)]
    for place in chance.sample(places, 1000):
        altered = bytearray(sealed)
        altered[place] ^= 1 << chance.randrange(8)
        with pytest.raises(SealRefused):
            # with the digest of the altered file: the seal alone must notice
            verifier.verify(bytes(altered), digest(bytes(altered)), NOW)


def test_one_flipped_bit_anywhere_is_seen_by_the_announced_digest(verifier: Verifier, sealed: bytes) -> None:
    chance = random.Random(2)  # noqa: S311 - repeatable on purpose
    for place in chance.sample(range(len(sealed)), 300):
        altered = bytearray(sealed)
        altered[place] ^= 1 << chance.randrange(8)
        assert refusal(verifier, bytes(altered), sha256=digest(sealed)) is SealCode.HASH


@pytest.mark.parametrize("keep", [0, 1, 100, 4000, -1, -1000])
def test_a_truncated_file_is_refused(verifier: Verifier, sealed: bytes, keep: int) -> None:
    refusal(verifier, sealed[:keep])


@pytest.mark.parametrize("junk", [b"", b"%PDF-1.7\n", b"<html>captive portal</html>", bytes(5000)])
def test_what_is_no_document_is_refused(verifier: Verifier, junk: bytes) -> None:
    refusal(verifier, junk)


def test_an_unsealed_document_is_refused(verifier: Verifier, unsealed: bytes) -> None:
    assert refusal(verifier, unsealed) is SealCode.SIGNATURES


def test_an_update_appended_behind_the_seal_is_refused(verifier: Verifier, sealed: bytes) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    writer.root["/Tongban"] = NullObject()
    writer.update_root()  # type: ignore[no-untyped-call]  # the library does not type it
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]  # the library does not type it
    assert refusal(verifier, out.getvalue()) is SealCode.COVERAGE


def test_bytes_appended_without_structure_are_refused(verifier: Verifier, sealed: bytes) -> None:
    refusal(verifier, sealed + b"\n% one more line\n")


def test_a_second_signature_is_refused(verifier: Verifier, unsealed: bytes, signer: Identity, root: Identity) -> None:
    hand = DocumentSealer(signer, root)._signer
    pdf = unsealed
    for name in ("First", "Second"):
        metadata = signers.PdfSignatureMetadata(field_name=name, md_algorithm="sha256")
        pdf = signers.PdfSigner(metadata, signer=hand).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf))).getvalue()
    assert refusal(verifier, pdf) is SealCode.SIGNATURES


def test_another_authority_is_refused(unsealed: bytes, verifier: Verifier) -> None:
    foreign = new_root("root", NOW)  # the same name, another key
    pdf = DocumentSealer(new_document_signer(foreign, "office", NOW), foreign).seal(unsealed)
    assert refusal(verifier, pdf) is SealCode.UNTRUSTED


def test_a_signer_without_an_authority_is_refused(unsealed: bytes, verifier: Verifier) -> None:
    alone = new_root("office", NOW)
    refusal(verifier, DocumentSealer(alone, alone).seal(unsealed))


@pytest.mark.parametrize("away", [timedelta(days=500), timedelta(days=-2)])
def test_a_signer_out_of_its_term_is_refused(verifier: Verifier, sealed: bytes, away: timedelta) -> None:
    assert refusal(verifier, sealed, at=NOW + away) is SealCode.UNTRUSTED


def test_a_seal_that_permits_changes_is_refused(unsealed: bytes, signer: Identity, root: Identity) -> None:
    metadata = signers.PdfSignatureMetadata(
        field_name="Seal", md_algorithm="sha256", certify=True, docmdp_permissions=MDPPerm.FILL_FORMS
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(unsealed))
    pdf = signers.PdfSigner(metadata, signer=DocumentSealer(signer, root)._signer).sign_pdf(writer).getvalue()
    assert refusal(Verifier([root.certificate_pem()]), pdf) is SealCode.CHANGEABLE


def test_sheets_of_one_person_with_the_subject_of_another_are_refused(
    typefaces: Typefaces, signer: Identity, root: Identity, verifier: Verifier
) -> None:
    mixed = _Forged(**{name: getattr(certificate(), name) for name in Certificate.__slots__})
    pdf = DocumentSealer(signer, root).seal(draw(mixed, typefaces)[0])
    assert refusal(verifier, pdf) is SealCode.TEXT


def test_text_is_compared_in_one_form() -> None:
    assert normalised_name("测试 • 张\x00老伯\n") == normalised_name("测试·张老伯")
    assert normalised("９９９９9") == "99999"
    assert normalised("⼈") == "人"  # a radical where the character was meant


def person(name: str = NAME, number: str = NUMBER) -> Person:
    return Person(Pii(name), Pii(number))


def test_the_session_s_own_person_and_case_pass(verifier: Verifier, sealed: bytes) -> None:
    document = verifier.verify(sealed, digest(sealed), NOW)
    check_subject(document, person(), CASE)
    check_subject(document, person("测试•张老伯"), CASE)


@pytest.mark.parametrize(
    ("who", "case"),
    [
        (person(OTHER_NAME, OTHER_NUMBER), CASE),
        (person(OTHER_NAME), CASE),
        (person(number=OTHER_NUMBER), CASE),
        (person(), ItemId("K0002", CASE.epoch, CASE.seq)),
        (person(), ItemId(CASE.kiosk, "cd" * 16, CASE.seq)),
        (person(), ItemId(CASE.kiosk, CASE.epoch, 8)),
    ],
)
def test_somebody_else_s_document_is_refused_without_naming_anyone(
    verifier: Verifier, sealed: bytes, who: Person, case: ItemId
) -> None:
    document = verifier.verify(sealed, digest(sealed), NOW)
    with pytest.raises(WrongPerson) as caught:
        check_subject(document, who, case)
    for personal in (NAME, NUMBER, OTHER_NAME, OTHER_NUMBER):
        assert personal not in str(caught.value)


def about(name: str, kiosk: str = CASE.kiosk) -> SealedDocument:
    subject = Subject(kiosk, CASE.epoch, CASE.seq, Pii(name), Pii(NUMBER), "d1", Pii("0123456789AB"))
    return SealedDocument(subject, 1, "office", Pii(""))


@pytest.mark.parametrize(
    "written",
    [
        "测试\ufe00·张老伯",
        "测试·张\ufe0f老伯",
        "测试·张\U000e0100老伯",
        "测试·张老伯\U000e01ef",
        "测试．张老伯",
        "测试\ua78f张老伯",
        "测试.张老伯",
        "测试・张老伯",
        "测试･张老伯",
    ],
)
def test_a_genuine_name_written_with_other_dots_or_glyph_variants_is_not_refused(written: str) -> None:
    check_subject(about(written), person(), CASE)
    check_subject(about(NAME), person(written), CASE)


@pytest.mark.parametrize(
    "written",
    [
        "测试张老伯",  # no dot is not a dot
        "测试··张老伯",
        "测试。张老伯",
        "测试-张老伯",
        "测试·张老柏",
        "测试·張老伯",
        "测试·张老伯\U000e01f0",  # the one after the last selector
        "测试·张老伯\u0301",
        "",
    ],
)
def test_a_name_that_differs_by_more_than_dot_and_glyph_variant_is_refused(written: str) -> None:
    for document, who in ((about(written), person()), (about(NAME), person(written))):
        with pytest.raises(WrongPerson):
            check_subject(document, who, CASE)


@pytest.mark.parametrize("surrogate", [0xD800, 0xDC80, 0xDFFF])
def test_a_lone_surrogate_in_a_name_is_another_person_and_no_crash(surrogate: int) -> None:
    alone = chr(surrogate)
    for document, who in ((about(NAME + alone), person()), (about(NAME), person(NAME + alone))):
        with pytest.raises(WrongPerson) as caught:
            check_subject(document, who, CASE)
        assert NAME not in str(caught.value)
    check_subject(about(NAME + alone), person(NAME + alone), CASE)


def test_dots_are_alike_in_names_only() -> None:
    with pytest.raises(WrongPerson):
        check_subject(about(NAME, kiosk="K.1"), person(), ItemId("K·1", CASE.epoch, CASE.seq))
