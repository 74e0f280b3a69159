"""Chip and active authentication: a copy says all that the document says, and does not know its key."""

from __future__ import annotations

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from devices.chip.emrtd import Authenticity, ChipProof, TrustAnchors
from devices.errors import DeviceCode, MediumError
from devices.sim.emrtd_chip import EmrtdChip
from devices.sim.emrtd_crypto import AES_128, AES_192, AES_256, TDES, tlv
from devices.sim.emrtd_issuer import Issuer
from devices.sim.emrtd_pace import PaceProfile
from devices.sim.emrtd_proof import AgreementKey, SigningKey, group14
from devices.sim.emrtd_traveller import DG14, DG15, files_of
from tests.emrtd import TODAY, TRAVELLER, jpeg, read


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(TODAY)


@pytest.fixture(scope="module")
def anchors(issuer: Issuer) -> TrustAnchors:
    return TrustAnchors.of(issuer.anchor)


def document(issuer: Issuer, agreeing=None, signing=None, *, knows=True, group=b"", **chosen) -> EmrtdChip:
    keys = {}
    if agreeing is not None or group:
        keys[DG14] = group or group14(agreeing, plain_signature=signing is not None)
    if signing is not None:
        keys[DG15] = signing.group()
    files = files_of(TRAVELLER, jpeg(), issuer, keys=keys)
    if not knows:
        agreeing = agreeing and dataclasses.replace(agreeing, secret=4711)
        signing = signing and SigningKey(type_of(signing)())
    return EmrtdChip(files, TRAVELLER.key(), agreeing=agreeing, signing=signing, **chosen)


def type_of(signing: SigningKey):
    if isinstance(signing.key, rsa.RSAPrivateKey):
        return lambda: rsa.generate_private_key(65537, signing.key.key_size)
    return lambda: ec.generate_private_key(signing.key.curve)


AGREEING = [
    AgreementKey(TDES),
    AgreementKey(TDES, told=False),
    AgreementKey(AES_128),
    AgreementKey(AES_192, reference=b"\x07"),
    AgreementKey(AES_256),
]


@pytest.mark.parametrize("agreeing", AGREEING, ids=["3DES", "untold", "128", "192", "256"])
@pytest.mark.parametrize("profile", [None, PaceProfile()], ids=["BAC", "PACE"])
def test_chip_that_knows_its_key_is_proven_and_a_copy_refused(issuer, anchors, agreeing, profile) -> None:
    found = read(document(issuer, agreeing, pace=profile), anchors)
    assert (found.chip_proof, found.authenticity) == (ChipProof.CHIP_AUTHENTICATION, Authenticity.TRUSTED)
    with pytest.raises(MediumError) as error:
        read(document(issuer, agreeing, knows=False, pace=profile), anchors)
    assert error.value.code is DeviceCode.CARD_REFUSED
    assert "copy" in error.value.detail


@pytest.mark.parametrize("case", ["P-256", "brainpool", "RSA sha1", "RSA sha256"])
def test_chip_that_signs_is_proven_and_a_copy_refused(issuer, anchors, case) -> None:
    signing = {
        "P-256": lambda: SigningKey(ec.generate_private_key(ec.SECP256R1())),
        "brainpool": lambda: SigningKey(ec.generate_private_key(ec.BrainpoolP256R1())),
        "RSA sha1": lambda: SigningKey(rsa.generate_private_key(65537, 1024), "sha1"),  # noqa: S505 - as old chips have
        "RSA sha256": lambda: SigningKey(rsa.generate_private_key(65537, 1536), "sha256"),  # noqa: S505 - fits a short answer
    }[case]()
    found = read(document(issuer, signing=signing), anchors)
    assert found.chip_proof is ChipProof.ACTIVE_AUTHENTICATION
    with pytest.raises(MediumError) as error:
        read(document(issuer, signing=signing, knows=False), anchors)
    assert error.value.code is DeviceCode.CARD_REFUSED


def test_hash_of_the_answer_is_the_one_that_group_14_names(issuer, anchors) -> None:
    signing = SigningKey(ec.generate_private_key(ec.SECP384R1()))  # by its length alone it would be SHA-384
    group = group14(plain_signature=True)
    assert read(document(issuer, signing=signing, group=group), anchors).chip_proof is ChipProof.ACTIVE_AUTHENTICATION


def test_signature_longer_than_an_answer_needs_extended_lengths(issuer, anchors) -> None:
    signing = SigningKey(rsa.generate_private_key(65537, 2048))
    chip = document(issuer, signing=signing, largest_answer=2000)
    assert read(chip, anchors).chip_proof is ChipProof.ACTIVE_AUTHENTICATION


def test_copy_that_says_it_has_no_room_for_its_proof_is_told_from_a_document_without_one(issuer, anchors) -> None:
    """It used to be ``NONE``, as for the many documents that never had a key."""
    signing = SigningKey(rsa.generate_private_key(65537, 2048))
    assert read(document(issuer, signing=signing, knows=False), anchors).chip_proof is ChipProof.WITHHELD
    with pytest.raises(MediumError):
        read(document(issuer, signing=signing, knows=False, largest_answer=2000), anchors)


@pytest.mark.parametrize(("agreeing", "size"), [(TDES, 120), (AES_128, 230)], ids=["3DES", "AES"])
def test_reference_as_long_as_anybody_likes_is_no_bug_of_ours(issuer, anchors, agreeing, size) -> None:
    """A self-made document is read before anybody trusts it: what it says must not end as a ``ValueError``."""
    stranger = Issuer(TODAY, country="XX")
    found = read(document(stranger, AgreementKey(agreeing, reference=b"\x07" * size)), anchors)
    assert found.authenticity is Authenticity.ISSUER_UNKNOWN


def test_document_without_a_key_or_with_one_not_spoken_here_is_read_and_unproven(issuer, anchors) -> None:
    odd = tlv(0x6E, tlv(0x31, tlv(0x30, tlv(0x06, b"\x2a\x03"), b"\x02\x01\x01"), b"\x05\x00", tlv(0x30, b"")))
    for group in (b"", odd, tlv(0x6E, b"\x31\x7f")):
        found = read(document(issuer, group=group), anchors)
        assert (found.chip_proof, found.authenticity) == (ChipProof.NONE, Authenticity.TRUSTED)


def test_key_put_in_place_of_the_issuers_is_refused(issuer, anchors) -> None:
    """A copy with a key of its own: the chip would prove itself, were its data group not signed."""
    chip = document(issuer, AgreementKey(AES_128))
    other = AgreementKey(AES_128, secret=4711)
    chip.files[DG14] = group14(other)
    chip._agreeing = other
    with pytest.raises(MediumError, match="data group 14"):
        read(chip, anchors)
    del chip.files[DG14]
    with pytest.raises(MediumError):
        read(chip, anchors)
