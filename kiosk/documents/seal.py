"""Whether a document may be believed: one certifying signature by a pinned authority over the whole file, or nothing.

Signatures are checked by pyHanko (PAdES, ETSI EN 319 142; certification, ISO 32000-2 §12.8.2.2), words are read by
pypdf. Every exception of any kind on the way is a refusal: broken files raise whatever they like.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import io
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader
from pypdf.generic import NameObject

from devices.values import Pii
from kiosk.errors import DocumentRefused, KioskCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

SUBJECT_FILE: Final = "tongban-subject.json"
MAX_BYTES: Final = 16 * 1024 * 1024  # the gateway takes no larger reply
MAX_SUBJECT_BYTES: Final = 16 * 1024
MAX_PAGES: Final = 50  # one tray of sheets; more is no document of a kiosk
# What offices and cards write for the dot in a name, NFKC applied; all count as U+00B7, which NFKC leaves alone.
# The full stop stands for U+FF0E too.
MIDDLE_DOTS: Final = "‧•・∙⋅\ua78f."
# Unicode variation selectors 1-16 and 17-256: they choose a glyph, never another character (UTS #37).
VARIATION_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


class SealCode(enum.StrEnum):
    """Why a document was refused; closed set."""

    TOO_LARGE = "seal.too_large"
    HASH = "seal.hash"  # not the bytes central announced
    UNREADABLE = "seal.unreadable"
    SIGNATURES = "seal.signatures"  # none, or more than one
    COVERAGE = "seal.coverage"  # something stands outside the signature
    UNTRUSTED = "seal.untrusted"  # altered, expired, or by another authority
    CHANGEABLE = "seal.changeable"  # the signature would permit changes
    SUBJECT = "seal.subject"  # it does not say whose it is
    TEXT = "seal.text"  # the sheets show another person than the sealed subject


class SealRefused(DocumentRefused):
    """The document may not be printed. ``seal`` says why; the text holds no personal data."""

    default_code = KioskCode.SEAL_BROKEN

    def __init__(self, seal: SealCode, detail: str = "") -> None:
        super().__init__(f"{seal}: {detail}" if detail else str(seal))
        self.seal = seal


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom and which case a document is about, as sealed into it."""

    kiosk: str
    epoch: str
    seq: int
    name: Pii[str]
    id_no: Pii[str]
    document: str
    code: Pii[str]


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A document that passed every check. ``pages`` counts sheets, ``signer`` is the common name of the signer."""

    subject: Subject
    pages: int
    signer: str
    text: Pii[str] = field(repr=False)


class Verifier:
    """Verifies against the authorities a terminal was given, and no others."""

    def __init__(self, trust_roots: Sequence[bytes | str | Path]) -> None:
        self._roots = tuple(certificate for root in trust_roots for certificate in _certificates(root))
        if not self._roots:
            raise ValueError("no authority for documents was given")

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """The authorities trusted."""
        return self._roots

    def verify(self, pdf: bytes, sha256: str, at: datetime) -> SealedDocument:
        """Return the document when everything about it holds at ``at`` (aware); blocks 10-100 ms.

        ``sha256`` is the lower-case hex digest central announced with its decision. Raises ``SealRefused``. Call it
        in a worker thread: pyHanko runs an event loop of its own.
        """
        return verify(pdf, self._roots, sha256, at)


def verify(
    pdf: bytes, trust_roots: Iterable[bytes | str | Path | x509.Certificate], sha256: str, at: datetime
) -> SealedDocument:
    """See :meth:`Verifier.verify`. ``trust_roots``: PEM or DER bytes, paths of such files, or parsed certificates."""
    try:
        _check_hash(pdf, sha256)
        signer = _check_signature(pdf, [one for root in trust_roots for one in _certificates(root)], at)
        return _read(pdf, signer)
    except SealRefused:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile file may raise anything; each is a refusal
        # The cause is cut off: messages of parsers quote the file.
        raise SealRefused(SealCode.UNREADABLE, type(error).__name__) from None


def normalised(shown: str) -> str:
    """Return text in the one form used to compare: compatibility forms folded, blanks and controls out."""
    plain = "".join(char for char in shown if not any(ord(char) in chosen for chosen in VARIATION_SELECTORS))
    folded = unicodedata.normalize("NFKC", plain)
    return "".join(char for char in folded if not char.isspace() and unicodedata.category(char) not in {"Cc", "Cf"})


def normalised_name(shown: str) -> str:
    """Return a name, or text that shows one, in the one form used to compare: as above, and one kind of dot."""
    folded = normalised(shown)
    for dot in MIDDLE_DOTS:
        folded = folded.replace(dot, "·")
    return folded


def _check_hash(pdf: bytes, sha256: str) -> None:
    if len(pdf) > MAX_BYTES:
        raise SealRefused(SealCode.TOO_LARGE)
    if not hmac.compare_digest(hashlib.sha256(pdf).hexdigest(), sha256.lower()):
        raise SealRefused(SealCode.HASH)


def _check_signature(pdf: bytes, roots: list[x509.Certificate], at: datetime) -> str:
    """Return the signer's common name."""
    reader = PdfFileReader(io.BytesIO(pdf))
    signatures = list(reader.embedded_signatures)
    if len(signatures) != 1:
        raise SealRefused(SealCode.SIGNATURES, f"{len(signatures)} signatures")
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=at, best_signature_time=at)
    status = validate_pdf_signature(signatures[0], context)
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        raise SealRefused(SealCode.COVERAGE)
    if not status.bottom_line:
        raise SealRefused(SealCode.UNTRUSTED)
    if signatures[0].docmdp_level is not MDPPerm.NO_CHANGES:
        raise SealRefused(SealCode.CHANGEABLE)
    return str(status.signing_cert.subject.native.get("common_name", ""))


def _read(pdf: bytes, signer: str) -> SealedDocument:
    reader = PdfReader(io.BytesIO(pdf), strict=True)
    pages = len(reader.pages)
    if not 0 < pages <= MAX_PAGES:
        raise SealRefused(SealCode.UNREADABLE, f"{pages} pages")
    subject = _subject(reader)
    texts = _texts(reader)
    name, number = normalised_name(subject.name.reveal()), normalised(subject.id_no.reveal())
    if not all(name in normalised_name(shown) and number in shown for shown in texts):
        raise SealRefused(SealCode.TEXT)
    return SealedDocument(subject, pages, signer, Pii("\n".join(texts)))


def _subject(reader: PdfReader) -> Subject:
    """Read the attachment: it lies inside the one revision the signature covers."""
    found = [content for name in reader.attachments if name == SUBJECT_FILE for content in reader.attachments[name]]
    if len(found) != 1 or len(found[0]) > MAX_SUBJECT_BYTES:
        raise SealRefused(SealCode.SUBJECT, f"{len(found)} subjects")
    try:
        said = json.loads(found[0])
        case = said["case"]
        subject = Subject(
            kiosk=_word(case, "kiosk"),
            epoch=_word(case, "epoch"),
            seq=_number(case, "seq"),
            name=Pii(_word(said, "name")),
            id_no=Pii(_word(said, "id_no")),
            document=_word(said, "document"),
            code=Pii(_word(said, "code")),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SealRefused(SealCode.SUBJECT, type(error).__name__) from None
    return subject


def _texts(reader: PdfReader) -> list[str]:
    """Return what each page shows, normalised."""
    texts = []
    for page in reader.pages:
        for font in page.get("/Resources", {}).get("/Font", {}).values():
            described = font.get_object()
            if described.get("/Subtype") == "/Type0" and "/ToUnicode" in described:
                # pypdf reads two-byte codes under an embedded CMap as single bytes. Codes go to Unicode by
                # /ToUnicode alone, so the name of the plain two-byte encoding is put in its place, in memory only.
                described[NameObject("/Encoding")] = NameObject("/Identity-H")
        texts.append(normalised(page.extract_text()))
    return texts


def _word(mapping: object, key: str) -> str:
    value = mapping[key] if isinstance(mapping, Mapping) else None
    if not isinstance(value, str) or not value.strip():
        raise ValueError(key)
    return value


def _number(mapping: object, key: str) -> int:
    value = mapping[key] if isinstance(mapping, Mapping) else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(key)  # noqa: TRY004 - content of a file, not a programming mistake
    return value


def _certificates(root: bytes | str | Path | x509.Certificate) -> list[x509.Certificate]:
    """Return the certificates in PEM or DER bytes, or in a file of such."""
    if isinstance(root, x509.Certificate):
        return [root]
    content = root if isinstance(root, bytes) else Path(root).read_bytes()
    if not pem.detect(content):
        return [x509.Certificate.load(content)]
    return [x509.Certificate.load(der) for kind, _, der in pem.unarmor(content, multiple=True) if kind == "CERTIFICATE"]
