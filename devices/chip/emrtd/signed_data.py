"""Signed data (CMS, RFC 5652) as Doc 9303 uses them: one signer, its certificate inside, signed attributes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asn1crypto import cms

from devices.chip.emrtd.signatures import digest_of, verify

if TYPE_CHECKING:
    from asn1crypto import x509

ATTRIBUTES_TAG = b"\x31"  # signed as a SET, sent as [0] (RFC 5652 clause 5.4)


@dataclass(frozen=True, slots=True)
class SignedObject:
    """What is signed, and the certificate of who signed it."""

    content_type: str
    content: bytes = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    signer: cms.SignerInfo = field(repr=False)

    @classmethod
    def load(cls, der: bytes) -> SignedObject:
        """Parse. Raises ``ValueError`` and what ``signatures.MALFORMED`` lists."""
        info = cms.ContentInfo.load(der, strict=True)
        if info["content_type"].native != "signed_data":
            raise ValueError("is no signed data")
        data = info["content"]
        if len(data["signer_infos"]) != 1:
            raise ValueError("has not exactly one signer")
        signer = data["signer_infos"][0]
        certificates = [choice.chosen for choice in data["certificates"] if choice.name == "certificate"]
        chosen = [certificate for certificate in certificates if _names(signer["sid"], certificate)]
        if not chosen:
            raise ValueError("does not hold its signer's certificate")
        held = data["encap_content_info"]
        return cls(held["content_type"].dotted, held["content"].native, chosen[0], signer)

    def intact(self) -> bool:
        """Tell whether content and attributes are what the certificate's key signed.

        Raises ``signatures.Unverifiable`` and what ``signatures.MALFORMED`` lists.
        """
        digest = self.signer["digest_algorithm"]["algorithm"].native
        attributes = self.signer["signed_attrs"]
        message = self.content
        if attributes:
            if not self._attributes_fit(attributes, digest):
                return False
            message = ATTRIBUTES_TAG + attributes.dump()[1:]
        elif self.content_type != "1.2.840.113549.1.7.1":
            return False  # attributes may be left out for plain data alone (RFC 5652 clause 5.3)
        return verify(
            self.certificate.public_key,
            self.signer["signature_algorithm"],
            self.signer["signature"].native,
            message,
            digest,
        )

    def _attributes_fit(self, attributes: cms.CMSAttributes, digest: str) -> bool:
        """Tell whether the attributes speak of this content: its type and its hash, each once."""
        found = {attribute["type"].native: attribute["values"] for attribute in attributes}
        kinds, digests = found.get("content_type", ()), found.get("message_digest", ())
        if len(found) != len(attributes) or len(kinds) != 1 or len(digests) != 1:
            return False
        return kinds[0].dotted == self.content_type and hmac.compare_digest(
            digests[0].native, digest_of(digest, self.content)
        )


def _names(identifier: cms.SignerIdentifier, certificate: x509.Certificate) -> bool:
    if identifier.name == "issuer_and_serial_number":
        named = identifier.chosen
        same = named["serial_number"].native == certificate.serial_number
        return bool(same and named["issuer"].hashable == certificate.issuer.hashable)
    return bool(identifier.native == certificate.key_identifier)
