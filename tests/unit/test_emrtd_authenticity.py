"""Passive authentication: who signed, what was signed, and that nothing changed is ever taken for trusted."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from asn1crypto import pem, x509
from cryptography.hazmat.primitives.asymmetric import ec

from devices.chip.emrtd import Authenticity, TrustAnchorError, TrustAnchors
from devices.chip.emrtd.passive_authentication import SecurityObject
from devices.errors import DeviceCode, DeviceError, MediumError
from devices.sim import emrtd_curves
from devices.sim.emrtd_crypto import SimCurve
from devices.sim.emrtd_issuer import EXPLICIT, Holder, Issuer, Scheme
from devices.sim.emrtd_traveller import DG1, DG2, SOD, files_of
from tests.emrtd import TODAY, TRAVELLER, chip_of, jpeg, read

if TYPE_CHECKING:
    from pathlib import Path

    from devices.chip.emrtd.passive_authentication import Judgement

WRITTEN_OUT = [
    Scheme(curve=named(), written=written)
    for named, written in (
        (ec.SECP192R1, emrtd_curves.P_192),
        (ec.SECP224R1, emrtd_curves.P_224),
        (ec.SECP256R1, emrtd_curves.P_256),
        (ec.SECP384R1, emrtd_curves.P_384),
        (ec.SECP521R1, emrtd_curves.P_521),
        (ec.BrainpoolP256R1, emrtd_curves.BRAINPOOL_256),
        (ec.BrainpoolP384R1, emrtd_curves.BRAINPOOL_384),
        (ec.BrainpoolP512R1, emrtd_curves.BRAINPOOL_512),
    )
]
SCHEMES = [
    Scheme("rsa", "sha256"),
    Scheme("rsa", "sha1"),
    Scheme("pss", "sha256"),
    Scheme("pss", "sha512"),
    Scheme("ec", "sha224", ec.SECP224R1()),
    Scheme("ec", "sha384", ec.BrainpoolP384R1()),
    Scheme("ec", "sha512", ec.BrainpoolP512R1()),
    *WRITTEN_OUT,
]


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(TODAY)


@pytest.fixture(scope="module")
def anchors(issuer: Issuer) -> TrustAnchors:
    return TrustAnchors.of(issuer.anchor)


def judged(issuer: Issuer, anchors: TrustAnchors, today=TODAY, **chosen) -> Judgement:
    groups = {1: b"\x61\x00", 2: b"\x75\x00"}
    return SecurityObject(issuer.security_object(groups, **chosen)).judge(groups, anchors, today)


@pytest.mark.parametrize(
    "scheme", SCHEMES, ids=lambda s: f"{s.kind}-{s.digest}-{s.written.number if s.written else ''}"
)
def test_every_signature_that_issuers_make_is_understood(scheme: Scheme) -> None:
    issuer = Issuer(TODAY, scheme=scheme)
    assert judged(issuer, TrustAnchors.of(issuer.anchor), digest=scheme.digest).authenticity is Authenticity.TRUSTED


def test_signature_named_by_its_scheme_alone_takes_the_signers_hash() -> None:
    issuer = Issuer(TODAY, scheme=Scheme("rsa", "sha512"))
    anchors = TrustAnchors.of(issuer.anchor)
    assert judged(issuer, anchors, bare=True).authenticity is Authenticity.TRUSTED
    with_another_key = Issuer(TODAY, scheme=Scheme())
    found = judged(with_another_key, TrustAnchors.of(with_another_key.anchor), bare=True)
    assert (found.authenticity, "another kind of key" in found.reason) == (Authenticity.FAILED, True)


def test_signer_of_another_kind_than_its_issuer_is_understood() -> None:
    issuer = Issuer(TODAY, scheme=Scheme("pss", "sha384"), signer_scheme=EXPLICIT)
    assert judged(issuer, TrustAnchors.of(issuer.anchor)).authenticity is Authenticity.TRUSTED
    assert judged(issuer, TrustAnchors.of(issuer.anchor), by_key_id=True).authenticity is Authenticity.TRUSTED


def test_document_of_an_issuer_nobody_knows_is_intact_and_not_trusted(issuer: Issuer) -> None:
    for anchors in (TrustAnchors(), TrustAnchors.of(Issuer(TODAY, country="XO").anchor)):
        found = judged(issuer, anchors)
        assert found.authenticity is Authenticity.ISSUER_UNKNOWN
        assert "UT" in found.reason
    assert read(chip_of(issuer), TrustAnchors()).authenticity is Authenticity.ISSUER_UNKNOWN


def test_issuer_that_uses_a_known_name_is_not_taken_for_it(issuer: Issuer, anchors: TrustAnchors) -> None:
    """Its key has another identifier; where it claims the identifier too, the signature tells."""
    impostor = Issuer(TODAY)
    assert judged(impostor, anchors).authenticity is Authenticity.ISSUER_UNKNOWN
    for anchor in anchors.by_name.values():
        bare = [type(anchor[0])(anchor[0].certificate, anchor[0].country, None)]
    found = judged(impostor, TrustAnchors(dict.fromkeys(anchors.by_name, bare)))
    assert found.authenticity is Authenticity.FAILED
    assert "not signed by the issuer" in found.reason


def test_failed_document_gives_no_data(issuer: Issuer, anchors: TrustAnchors) -> None:
    for file in (DG1, DG2):
        chip = chip_of(issuer)
        chip.files[file] = files_of(type(TRAVELLER)(sex="M"), jpeg(40), issuer)[file]
        with pytest.raises(MediumError) as error:
            read(chip, anchors)
        assert error.value.code is DeviceCode.CARD_REFUSED
        assert f"data group {file & 15}" in error.value.detail


def test_data_group_that_was_not_signed_is_not_trusted(issuer: Issuer, anchors: TrustAnchors) -> None:
    signed = SecurityObject(issuer.security_object({1: b"a"}))
    assert signed.judge({1: b"a", 2: b"b"}, anchors, TODAY).authenticity is Authenticity.FAILED
    assert signed.judge({1: b"a"}, anchors, TODAY).authenticity is Authenticity.TRUSTED


def test_certificate_out_of_its_term_is_not_trusted(issuer: Issuer, anchors: TrustAnchors) -> None:
    old = issuer.new_signer(Scheme(), until=TODAY - timedelta(days=1))
    found = judged(issuer, anchors, signer=old)
    assert (found.authenticity, "valid today" in found.reason) == (Authenticity.FAILED, True)
    last = issuer.new_signer(Scheme(), until=TODAY)
    assert judged(issuer, anchors, signer=last).authenticity is Authenticity.TRUSTED
    long = issuer.new_signer(Scheme(), until=TODAY + timedelta(days=5000))
    found = judged(issuer, anchors, today=TODAY + timedelta(days=4000), signer=long)
    assert (found.authenticity, "issuer's certificate" in found.reason) == (Authenticity.FAILED, True)


def test_signer_of_another_country_or_another_office_is_not_trusted(issuer: Issuer, anchors: TrustAnchors) -> None:
    foreign = issuer.new_signer(Scheme(), country="XO")
    assert "different countries" in judged(issuer, anchors, signer=foreign).reason
    found = judged(issuer, anchors, signer=issuer.new_signer(Scheme(), ca=True))
    assert (found.authenticity, "may not sign" in found.reason) == (Authenticity.FAILED, True)


@pytest.mark.parametrize("purpose", ["2.23.136.1.1.3", "server_auth"], ids=["master list", "line"])
def test_what_a_country_signs_other_things_with_signs_no_document(
    issuer: Issuer, anchors: TrustAnchors, purpose: str
) -> None:
    """A web server's certificate of the same country, with ``digital_signature``, was as good as a passport's."""
    honest = issuer.new_signer(Scheme())
    contents = x509.TbsCertificate.load(honest.certificate["tbs_certificate"].dump())
    contents["extensions"] = x509.Extensions(
        [*contents["extensions"], {"extn_id": "extended_key_usage", "extn_value": x509.ExtKeyUsageSyntax([purpose])}]
    )
    scheme, key = issuer.root.scheme, issuer.root.key
    signed = x509.Certificate(
        {
            "tbs_certificate": contents,
            "signature_algorithm": scheme.algorithm(),
            "signature_value": scheme.sign(key, contents.dump()),
        }
    )
    other = Holder(x509.Certificate.load(signed.dump()), honest.key, honest.scheme)
    found = judged(issuer, anchors, signer=other)
    assert (found.authenticity, "may not sign" in found.reason) == (Authenticity.FAILED, True)


def test_revoked_signer_is_not_trusted_and_a_forged_list_revokes_nobody(issuer: Issuer) -> None:
    honest, forger = issuer.revocations(issuer.signer), Issuer(TODAY).revocations(issuer.signer)
    found = judged(issuer, TrustAnchors.of(issuer.anchor, revocations=(honest,)))
    assert (found.authenticity, "revoked" in found.reason) == (Authenticity.FAILED, True)
    others = issuer.revocations(issuer.new_signer(Scheme()))
    for listed in (forger, others):
        found = judged(issuer, TrustAnchors.of(issuer.anchor, revocations=(listed,)))
        assert found.authenticity is Authenticity.TRUSTED


def test_signer_revoked_after_its_country_changed_its_key_is_not_trusted(issuer: Issuer) -> None:
    """There is one list then, signed with the new key, and it names signers of the old one too."""
    successor = Issuer(TODAY)  # of the same name
    listed = successor.revocations(issuer.signer)
    found = judged(issuer, TrustAnchors.of(issuer.anchor, successor.anchor, revocations=(listed,)))
    assert (found.authenticity, "revoked" in found.reason) == (Authenticity.FAILED, True)


def test_document_with_any_byte_changed_is_never_trusted(issuer: Issuer, anchors: TrustAnchors) -> None:
    """Every byte of the zone, a sample of those of the security object: refused, or a signer nobody knows."""
    files = files_of(TRAVELLER, jpeg(), issuer)
    sample = random.Random(9303)  # noqa: S311 - a sample, no secret
    places = [(DG1, at) for at in range(len(files[DG1]))]
    places += [(SOD, at) for at in sorted(sample.sample(range(len(files[SOD])), 400))]
    for file, at in places:
        changed = bytearray(files[file])
        changed[at] ^= 1 << sample.randrange(8)
        try:
            signed = SecurityObject(bytes(changed) if file == SOD else files[SOD])
            groups = {1: bytes(changed) if file == DG1 else files[DG1], 2: files[DG2]}
            found = signed.judge(groups, anchors, TODAY)
        except DeviceError:
            continue
        assert found.authenticity is not Authenticity.TRUSTED or _says_the_same(bytes(changed), files[SOD]), (file, at)


def test_folder_of_all_that_issuers_publish_is_loaded(tmp_path: Path, issuer: Issuer) -> None:
    other, third = Issuer(TODAY, country="XO"), Issuer(TODAY, country="XP", scheme=EXPLICIT)
    (tmp_path / "utopia.der").write_bytes(issuer.anchor)
    (tmp_path / "others.pem").write_bytes(
        pem.armor("CERTIFICATE", other.anchor) + pem.armor("CERTIFICATE", third.anchor)
    )
    (tmp_path / "utopia.crl").write_bytes(issuer.revocations(issuer.signer))
    (tmp_path / ".hidden").write_bytes(b"not looked at")
    loaded = TrustAnchors.load(tmp_path)
    assert judged(issuer, loaded).authenticity is Authenticity.FAILED
    for one in (other, third):
        assert judged(one, loaded).authenticity is Authenticity.TRUSTED


def test_master_list_is_loaded_and_a_damaged_one_is_named(tmp_path: Path, issuer: Issuer) -> None:
    others = [Issuer(TODAY, country=country) for country in ("XO", "XP")]
    listed = issuer.master_list(issuer.anchor, *(one.anchor for one in others))
    (tmp_path / "world.ml").write_bytes(listed)
    loaded = TrustAnchors.load(tmp_path)
    assert all(judged(one, loaded).authenticity is Authenticity.TRUSTED for one in (issuer, *others))
    at = listed.index(others[0].anchor) + 300
    (tmp_path / "world.ml").write_bytes(listed[:at] + bytes([listed[at] ^ 1]) + listed[at + 1 :])
    with pytest.raises(TrustAnchorError, match=r"world\.ml: .*signature is wrong"):
        TrustAnchors.load(tmp_path)


@pytest.mark.parametrize("kind", ["text", "empty", "cut", "signer", "document", "folder"])
def test_file_that_cannot_be_used_is_named(tmp_path: Path, issuer: Issuer, kind: str) -> None:
    content = {
        "text": b"Utopia's certificate is at the office.\n",
        "empty": b"",
        "cut": issuer.anchor[:-40],
        "signer": bytes(issuer.signer.certificate.dump()),
        "document": issuer.security_object({1: b""})[4:],
        "folder": b"",
    }[kind]
    bad = tmp_path / "bad.cer"
    if kind == "folder":
        bad.mkdir()
    else:
        bad.write_bytes(content)
    (tmp_path / "good.cer").write_bytes(issuer.anchor)
    with pytest.raises(TrustAnchorError, match=r"bad\.cer: "):
        TrustAnchors.load(tmp_path)


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrustAnchorError, match="nowhere"):
        TrustAnchors.load(tmp_path / "nowhere")


def test_curve_written_out_with_other_numbers_is_not_trusted() -> None:
    """A curve that only looks like a named one has keys that anybody can make."""
    curve = emrtd_curves.P_256
    theirs = SimCurve(12, curve.p, curve.a, curve.b, curve.multiply(7, curve.base), curve.order)
    issuer = Issuer(TODAY, scheme=Scheme(curve=ec.SECP256R1(), written=theirs))
    found = judged(issuer, TrustAnchors.of(issuer.anchor))
    assert found.authenticity is Authenticity.FAILED
    assert "curve of its own" in found.reason


def _says_the_same(one: bytes, other: bytes) -> bool:
    """Tell whether two security objects sign the same hashes by the same certificate: a bit that nothing depends on."""
    first, second = SecurityObject(one), SecurityObject(other)
    same = first._signed.certificate.dump() == second._signed.certificate.dump()
    return same and first.hashes == second.hashes and first._signed.content == second._signed.content
