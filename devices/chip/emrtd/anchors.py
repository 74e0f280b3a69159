"""Whom an operator trusts to issue travel documents: country signing certificates, and what they have revoked.

A folder holds them as issuers publish them: certificates (PEM or DER), master lists (CMS, Doc 9303-12 clause 9) and
revocation lists (PEM or DER). What is in the folder is trusted because it is there: its owner has checked where it
came from. A master list's own signature is proven to find a cut or damaged file, not to trust it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from asn1crypto import cms, core, crl, pem, x509

from devices.chip.emrtd import ber
from devices.chip.emrtd.signatures import MALFORMED, Unverifiable, verify
from devices.chip.emrtd.signed_data import SignedObject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

SEQUENCE, SET = 0x30, 0x31
MASTER_LIST = "2.23.136.1.1.2"
COUNTRY = re.compile(r"[A-Za-z]{2}")
LARGEST_FILE = 64 << 20  # bytes; the world's master list has about 2 MiB


class TrustAnchorError(ValueError):
    """A file that cannot be used; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One country signing certificate."""

    certificate: x509.Certificate = field(repr=False)
    country: str
    key_id: bytes | None

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Anchor:
        """Look at a certificate once. Raises ``ValueError``: it may not sign others; and what ``MALFORMED`` lists."""
        if not certificate.ca:
            raise ValueError("is no certificate of an issuer")
        usage = certificate.key_usage_value
        if usage is not None and "key_cert_sign" not in usage.native:
            raise ValueError("may not sign certificates")
        certificate.not_valid_before, certificate.not_valid_after  # noqa: B018 - read now, so that they fail now
        return cls(certificate, country_of(certificate.subject), certificate.key_identifier)


@dataclass(frozen=True, slots=True)
class Revocations:
    """One revocation list, and the serial numbers in it."""

    listed: crl.CertificateList = field(repr=False)
    serials: frozenset[int] = field(repr=False)

    @classmethod
    def of(cls, listed: crl.CertificateList) -> Revocations:
        """Take the numbers out once: a list may have many thousand."""
        entries = listed["tbs_cert_list"]["revoked_certificates"]
        return cls(listed, frozenset(entry["user_certificate"].native for entry in entries))

    def signed_by(self, issuer: Anchor) -> bool:
        """Tell whether the list is that issuer's."""
        try:
            return verify(
                issuer.certificate.public_key,
                self.listed["signature_algorithm"],
                self.listed["signature"].native,
                self.listed["tbs_cert_list"].dump(),
            )
        except (*MALFORMED, Unverifiable):
            return False


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """Anchors by the issuer's name; an empty one makes every document ``issuer_unknown``."""

    by_name: dict[str, list[Anchor]] = field(default_factory=dict, repr=False)
    lists: dict[str, list[Revocations]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, *certificates: bytes, revocations: tuple[bytes, ...] = ()) -> TrustAnchors:
        """Make anchors of DER certificates and revocation lists. Raises ``TrustAnchorError``."""
        made = cls(defaultdict(list), defaultdict(list))
        for number, content in enumerate((*certificates, *revocations)):
            made._take(content, f"item {number}")
        return made

    @classmethod
    def load(cls, folder: Path) -> TrustAnchors:
        """Read every file of the folder that is not hidden. Raises ``TrustAnchorError`` naming the bad file."""
        made = cls(defaultdict(list), defaultdict(list))
        try:
            files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
            for path in files:
                if path.stat().st_size > LARGEST_FILE:
                    raise TrustAnchorError(f"{path.name}: is larger than {LARGEST_FILE} bytes")
                made._take(path.read_bytes(), path.name)
        except OSError as error:
            raise TrustAnchorError(f"{error.filename}: {error.strerror}") from error
        return made

    def issuers(self, certificate: x509.Certificate) -> list[Anchor]:
        """Return the anchors that may have signed it: of that name, and of that key where both name one."""
        wanted = certificate.authority_key_identifier
        return [
            anchor
            for anchor in self.by_name.get(certificate.issuer.hashable, ())
            if wanted is None or anchor.key_id is None or anchor.key_id == wanted
        ]

    def revoked(self, certificate: x509.Certificate) -> bool:
        """Tell whether a list of its issuer names it; an outdated list still counts.

        A list speaks of all that its issuer's name has issued (RFC 5280 clause 5), and a country that has changed its
        key signs it with the new one alone: any anchor of that name may have signed it.
        """
        name = certificate.issuer.hashable
        return any(
            certificate.serial_number in revocations.serials
            and any(revocations.signed_by(issuer) for issuer in self.by_name.get(name, ()))
            for revocations in self.lists.get(name, ())
        )

    def _take(self, content: bytes, name: str) -> None:
        try:
            taken = sum(self._take_one(der) for der in _unarmoured(content))
        except (*MALFORMED, Unverifiable) as error:
            raise TrustAnchorError(f"{name}: {_reason(error)}") from error
        if not taken:
            raise TrustAnchorError(f"{name}: holds nothing that could be used")

    def _take_one(self, der: bytes) -> int:
        """Add what ``der`` is and return how many anchors or lists it was."""
        kinds = (x509.Certificate, crl.CertificateList, cms.ContentInfo)
        match next((parsed for kind in kinds if (parsed := _parsed(kind, der)) is not None), None):
            case x509.Certificate() as certificate:
                return self._add(certificate)
            case crl.CertificateList() as listed:
                self.lists[listed.issuer.hashable].append(Revocations.of(listed))
                return 1
            case cms.ContentInfo():
                return sum(self._add_listed(entry) for entry in _master_list(der))
            case _:
                raise ValueError("is neither a certificate, a master list nor a revocation list")

    def _add(self, certificate: x509.Certificate) -> int:
        self.by_name[certificate.subject.hashable].append(Anchor.of(certificate))
        return 1

    def _add_listed(self, certificate: x509.Certificate) -> int:
        """Add one of a master list; a list of all countries has a few that break the rules, which cost nothing."""
        try:
            return self._add(certificate)
        except (*MALFORMED, Unverifiable):
            return 0


def valid_on(certificate: x509.Certificate, today: date) -> bool:
    """Tell whether the certificate's term includes that day."""
    return bool(certificate.not_valid_before.date() <= today <= certificate.not_valid_after.date())


def country_of(name: x509.Name) -> str:
    """Return the two letters of a name's country, in capitals, empty where it has none or something else."""
    code = name.native.get("country_name", "")
    return code.upper() if isinstance(code, str) and COUNTRY.fullmatch(code) else ""


def _master_list(der: bytes) -> Iterator[x509.Certificate]:
    signed = SignedObject.load(der)
    if signed.content_type != MASTER_LIST:
        raise ValueError("is signed data, but no master list")
    if not signed.intact():
        raise ValueError("is a master list whose signature is wrong")
    for tag, value in ber.items(ber.find(signed.content, SEQUENCE, SET)):
        yield x509.Certificate.load(ber.encode(tag, value), strict=True)


def _unarmoured(content: bytes) -> Iterator[bytes]:
    if pem.detect(content):
        for _, _, der in pem.unarmor(content, multiple=True):
            yield der
    else:
        yield content


def _parsed(kind: type[core.Asn1Value], der: bytes) -> core.Asn1Value | None:
    """Return ``der`` as ``kind``, read to the depth that tells kinds apart."""
    try:
        parsed = kind.load(der, strict=True)
        if isinstance(parsed, cms.ContentInfo):
            fits = parsed["content_type"].native == "signed_data"
        elif isinstance(parsed, x509.Certificate):
            fits = parsed.not_valid_before <= parsed.not_valid_after
        else:
            fits = isinstance(parsed["tbs_cert_list"]["this_update"].native, datetime)
    except MALFORMED:
        return None
    return parsed if fits else None


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
