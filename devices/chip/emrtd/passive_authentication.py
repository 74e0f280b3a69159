"""Passive authentication (Doc 9303-11 clause 5.1): the issuer signed exactly what was read.

It does not prove that the chip is the issuer's: a copy says the same. Chip or active authentication proves that.
"""

from __future__ import annotations

import enum
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import algos

from devices.chip.emrtd import ber
from devices.chip.emrtd.anchors import country_of, valid_on
from devices.chip.emrtd.signatures import MALFORMED, Unverifiable, digest_of, verify
from devices.chip.emrtd.signed_data import SignedObject
from devices.chip.tlv import unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from asn1crypto import x509

    from devices.chip.emrtd.anchors import Anchor, TrustAnchors

SOD, SEQUENCE = 0x77, 0x30
LONGEST_NAME = 80  # characters: identifiers are the chip's own words
SECURITY_OBJECT = "2.23.136.1.1.1"


class Authenticity(enum.StrEnum):
    """What passive authentication found."""

    TRUSTED = "trusted"
    ISSUER_UNKNOWN = "issuer_unknown"  # intact, but nobody here knows the issuer
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Outcome and its reason, for technicians: no personal data. ``signer`` is the signer's country, two letters."""

    authenticity: Authenticity
    reason: str
    signer: str = ""


class SecurityObject:
    """EF.SOD: hashes of the data groups, signed. Raises ``MediumError`` for bytes that are none."""

    def __init__(self, content: bytes) -> None:
        try:
            self._signed = SignedObject.load(ber.find(content, SOD))
            if self._signed.content_type != SECURITY_OBJECT:
                raise ValueError("signs something else")
            listed = ber.find(self._signed.content, SEQUENCE)
            (_, _), (kind, algorithm), (_, hashes), *_ = ber.items(listed)
            self._algorithm = algos.DigestAlgorithm.load(ber.encode(kind, algorithm))["algorithm"].native
            self.hashes = dict(_hash(entry) for _, entry in ber.items(hashes))
        except MALFORMED:  # not chained: what the libraries quote may be the document's
            raise unreadable("EF.SOD is no document security object") from None

    def judge(self, files: Mapping[int, bytes], anchors: TrustAnchors, today: date) -> Judgement:
        """Judge the data groups that were read, by number."""
        try:
            return self._judge(files, anchors, today)
        except Unverifiable as error:
            return _failed(f"{str(error)[:LONGEST_NAME]} is not known here")
        except MALFORMED as error:
            return _failed(f"signature or certificate is malformed ({type(error).__name__})")

    def _judge(self, files: Mapping[int, bytes], anchors: TrustAnchors, today: date) -> Judgement:
        for number, content in files.items():
            expected = self.hashes.get(number, b"")
            if not hmac.compare_digest(expected, digest_of(self._algorithm, content)):
                return _failed(f"data group {number} is not the one that was signed")
        if not self._signed.intact():
            return _failed("signature of the document is wrong")
        return _judge_signer(self._signed.certificate, anchors, today)


def _hash(entry: bytes) -> tuple[int, bytes]:
    (_, number), (_, value) = ber.items(entry)
    return int.from_bytes(number), value


def _judge_signer(certificate: x509.Certificate, anchors: TrustAnchors, today: date) -> Judgement:
    """Judge the chain from the document signer's certificate to an anchor (Doc 9303-12 clause 6)."""
    country = country_of(certificate.issuer)
    usage = certificate.key_usage_value
    # A purpose of its own has what else a country signs for: its master list, bar codes, the lines it speaks over
    # (Doc 9303-12, certificate profiles). Their keys are kept less well than that of its documents.
    elsewhere = certificate.extended_key_usage_value is not None
    if certificate.ca or elsewhere or (usage is not None and "digital_signature" not in usage.native):
        return _failed("document signer's certificate may not sign documents")
    if not valid_on(certificate, today):
        return _failed("document signer's certificate is not valid today")
    named = anchors.issuers(certificate)
    if not named:
        return Judgement(Authenticity.ISSUER_UNKNOWN, f"no trust anchor for the issuer, country {country}", country)
    signed_it = [anchor for anchor in named if _issued(anchor, certificate)]
    if not signed_it:
        return _failed("document signer's certificate is not signed by the issuer it names")
    if country_of(certificate.subject) != signed_it[0].country:
        return _failed("document signer and issuer are of different countries")
    if not any(valid_on(anchor.certificate, today) for anchor in signed_it):
        return _failed("issuer's certificate is not valid today")
    if anchors.revoked(certificate):
        return _failed("document signer's certificate is revoked")
    return Judgement(Authenticity.TRUSTED, "signed by a trusted issuer", country)


def _issued(anchor: Anchor, certificate: x509.Certificate) -> bool:
    inner = certificate["tbs_certificate"]["signature"]
    outer = certificate["signature_algorithm"]
    return inner.dump() == outer.dump() and verify(
        anchor.certificate.public_key,
        outer,
        certificate["signature_value"].native,
        certificate["tbs_certificate"].dump(),
    )


def _failed(reason: str) -> Judgement:
    return Judgement(Authenticity.FAILED, reason)
