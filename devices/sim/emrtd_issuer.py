"""An invented state that issues travel documents: its signing keys are made when it is made, and kept nowhere.

Certificates are built field by field, because issuers do what a library would not: curves written out as numbers,
certificates that have run out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import algos, cms, core, crl, keys, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from devices.sim.emrtd_crypto import tlv
from devices.sim.emrtd_curves import BRAINPOOL_256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.sim.emrtd_crypto import SimCurve

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

RSA_BITS: Final = 2048
YEARS: Final = 3650
SECURITY_OBJECT: Final = "2.23.136.1.1.1"
MASTER_LIST: Final = "2.23.136.1.1.2"
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - old documents
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
OIDS: Final = {"sha1": "2b0e03021a"} | {
    name: f"60864801650304020{number}" for name, number in (("sha256", 1), ("sha384", 2), ("sha512", 3), ("sha224", 4))
}


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a key signs: ``kind`` rsa, pss or ec; ``curve`` of the last, by name or ``written`` out as numbers."""

    kind: str = "ec"
    digest: str = "sha256"
    curve: ec.EllipticCurve = field(default_factory=ec.SECP256R1)
    written: SimCurve | None = None

    def key(self) -> PrivateKey:
        """Make a key."""
        if self.kind == "ec":
            return ec.generate_private_key(self.curve)
        return rsa.generate_private_key(65537, RSA_BITS)

    def public(self, key: PrivateKey) -> keys.PublicKeyInfo:
        """Return the public key as certificates hold it."""
        der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        info = keys.PublicKeyInfo.load(der)
        if self.written is None:
            return info
        numbers = self.written
        size = numbers.size
        domain = {
            "version": "ecdpVer1",
            "field_id": {"field_type": "prime_field", "parameters": numbers.p},
            "curve": {
                "a": (numbers.a % numbers.p).to_bytes(size, "big"),
                "b": numbers.b.to_bytes(size, "big"),
            },
            "base": keys.ECPoint.from_coords(*numbers.base),
            "order": numbers.order,
            "cofactor": 1,
        }
        written = keys.ECDomainParameters(name="specified", value=keys.SpecifiedECDomain(domain))
        point = info["public_key"].native
        return keys.PublicKeyInfo(
            {"algorithm": {"algorithm": "ec", "parameters": written}, "public_key": keys.ECPointBitString(point)}
        )

    def algorithm(self) -> algos.SignedDigestAlgorithm:
        """Return the signature algorithm with its parameters."""
        if self.kind == "ec":
            return algos.SignedDigestAlgorithm({"algorithm": f"{self.digest}_ecdsa"})
        if self.kind == "rsa":
            return algos.SignedDigestAlgorithm({"algorithm": f"{self.digest}_rsa", "parameters": core.Null()})
        parameters = {
            "hash_algorithm": {"algorithm": self.digest},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": self.digest}},
            "salt_length": HASHES[self.digest].digest_size,
        }
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(parameters)})

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        """Sign."""
        digest = HASHES[self.digest]
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, ec.ECDSA(digest))
        if self.kind == "pss":
            return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return key.sign(message, padding.PKCS1v15(), digest)


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate = field(repr=False)
    key: PrivateKey = field(repr=False)
    scheme: Scheme


EXPLICIT: Final = Scheme(curve=ec.BrainpoolP256R1(), written=BRAINPOOL_256)


class Issuer:
    """A state with a country signer and a document signer. ``today`` is a day on which both are valid."""

    def __init__(
        self, today: date, *, country: str = "UT", scheme: Scheme | None = None, signer_scheme: Scheme | None = None
    ) -> None:
        self._today = today
        self._serial = 1000
        self._name = x509.Name.build({"country_name": country, "common_name": f"{country} country signer"})
        self._country = country
        scheme = scheme or Scheme()
        self.root = self._holder(scheme, None, self._name, today, YEARS, ca=True)
        self.signer = self.new_signer(signer_scheme or scheme)

    @property
    def anchor(self) -> bytes:
        """Return the country signing certificate."""
        return bytes(self.root.certificate.dump())

    def new_signer(self, scheme: Scheme, *, until: date | None = None, country: str = "", ca: bool = False) -> Holder:
        """Make another document signer, valid to ``until``."""
        country = country or self._country
        name = x509.Name.build({"country_name": country, "common_name": f"document signer {self._serial}"})
        end = until or self._today + timedelta(days=YEARS)
        return self._holder(scheme, self.root, name, end - timedelta(days=2 * YEARS), 2 * YEARS, ca=ca)

    def security_object(
        self,
        groups: Mapping[int, bytes],
        *,
        digest: str = "sha256",
        signer: Holder | None = None,
        by_key_id: bool = False,
        bare: bool = False,
    ) -> bytes:
        """Return EF.SOD over data groups; ``bare``: the signature is named RSA, and its hash elsewhere."""
        listed = b"".join(
            tlv(0x30, tlv(0x02, bytes([number])), tlv(0x04, hashlib.new(digest, content).digest()))
            for number, content in sorted(groups.items())
        )
        algorithm = tlv(0x30, tlv(0x06, bytes.fromhex(OIDS[digest])), b"\x05\x00")
        content = tlv(0x30, b"\x02\x01\x00", algorithm, tlv(0x30, listed))
        return tlv(0x77, _signed(SECURITY_OBJECT, content, signer or self.signer, by_key_id=by_key_id, bare=bare))

    def master_list(self, *anchors: bytes) -> bytes:
        """Return a master list of country signing certificates."""
        signer = self.new_signer(Scheme())
        return _signed(MASTER_LIST, tlv(0x30, b"\x02\x01\x00", tlv(0x31, *anchors)), signer)

    def revocations(self, *revoked: Holder) -> bytes:
        """Return a revocation list, DER."""
        entries = [
            {"user_certificate": holder.certificate.serial_number, "revocation_date": _time(self._today)}
            for holder in revoked
        ]
        listed = crl.TbsCertList(
            {
                "version": "v2",
                "signature": self.root.scheme.algorithm(),
                "issuer": self._name,
                "this_update": _time(self._today),
                "next_update": _time(self._today + timedelta(days=90)),
                "revoked_certificates": entries,
            }
        )
        return bytes(
            crl.CertificateList(
                {
                    "tbs_cert_list": listed,
                    "signature_algorithm": self.root.scheme.algorithm(),
                    "signature": self.root.scheme.sign(self.root.key, listed.dump()),
                }
            ).dump()
        )

    def _holder(
        self, scheme: Scheme, by: Holder | None, subject: x509.Name, begin: date, days: int, *, ca: bool
    ) -> Holder:
        """Make a key and have ``by`` certify it, or itself."""
        self._serial += 1
        key = scheme.key()
        public = scheme.public(key)
        signer = by or Holder(x509.Certificate(), key, scheme)
        identifier = public.sha1 if by is None else by.certificate.public_key.sha1
        usage = {"key_cert_sign", "crl_sign"} if ca else {"digital_signature"}
        extensions: list[dict[str, Any]] = [
            {"extn_id": "key_usage", "critical": True, "extn_value": x509.KeyUsage(usage)},
            {"extn_id": "key_identifier", "extn_value": core.OctetString(public.sha1)},
            {"extn_id": "authority_key_identifier", "extn_value": {"key_identifier": identifier}},
        ]
        if ca:
            extensions.append({"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": True}})
        tbs = x509.TbsCertificate(
            {
                "version": "v3",
                "serial_number": self._serial,
                "signature": signer.scheme.algorithm(),
                "issuer": self._name,
                "validity": {"not_before": _time(begin), "not_after": _time(begin + timedelta(days=days))},
                "subject": subject,
                "subject_public_key_info": public,
                "extensions": extensions,
            }
        )
        parts = {
            "tbs_certificate": tbs,
            "signature_algorithm": signer.scheme.algorithm(),
            "signature_value": signer.scheme.sign(signer.key, tbs.dump()),
        }
        return Holder(x509.Certificate.load(x509.Certificate(parts).dump()), key, scheme)


def _time(day: date) -> x509.Time:
    return x509.Time(name="general_time", value=datetime.combine(day, time(), UTC))


def _signed(content_type: str, content: bytes, by: Holder, *, by_key_id: bool = False, bare: bool = False) -> bytes:
    """Return signed data (CMS) with the signer's certificate in it."""
    digest = by.scheme.digest
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": [content_type]},
            {"type": "message_digest", "values": [hashlib.new(digest, content).digest()]},
        ]
    )
    certificate = by.certificate
    named = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    identifier = (
        cms.SignerIdentifier(name="subject_key_identifier", value=certificate.key_identifier_value)
        if by_key_id
        else cms.SignerIdentifier(name="issuer_and_serial_number", value=named)
    )
    signer = {
        "version": "v3" if by_key_id else "v1",
        "sid": identifier,
        "digest_algorithm": {"algorithm": digest},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"} if bare else by.scheme.algorithm(),
        "signature": by.scheme.sign(by.key, attributes.dump()),
    }
    data = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": digest}],
            "encap_content_info": {"content_type": content_type, "content": content},
            "certificates": [cms.CertificateChoices(name="certificate", value=certificate)],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": data}).dump())
