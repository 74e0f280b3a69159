"""The digital seal: a certification signature (PAdES, ETSI EN 319 142) that permits no change, made in memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

if TYPE_CHECKING:
    from central.authority import Identity

FIELD: Final = "Seal"


class DocumentSealer:
    """Seals with one key; usable from one thread at a time."""

    def __init__(self, signer: Identity, authority: Identity) -> None:
        registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # the library does not type it
        registry.register(_certificate(authority))
        key = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._signer = signers.SimpleSigner(
            signing_cert=_certificate(signer),
            signing_key=asn1_keys.PrivateKeyInfo.load(key),
            cert_registry=registry,
        )

    def seal(self, pdf: bytes) -> bytes:
        """Return the PDF with one invisible certifying signature over all of it."""
        metadata = signers.PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm="sha256",
            certify=True,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES,
            subfilter=fields.SigSeedSubFilter.PADES,
        )
        sealed = signers.PdfSigner(metadata, signer=self._signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)))
        return bytes(sealed.getvalue())


def _certificate(identity: Identity) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(identity.certificate.public_bytes(Encoding.DER))
