"""Things to print that are nobody's: for hands and suites that need a job."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from devices.values import PdfDocument, PrintJob, Slip, SlipText

if TYPE_CHECKING:
    from collections.abc import Sequence

SLIP_LINES = 12
PAGES = 2
FONT = "/Resources << /Font << /F1 3 0 R >> >>"


def new_job(role: str) -> PrintJob:
    """Return a job of several steps for the printer in ``role``, with a number of its own in title and print."""
    title = f"conformance-{secrets.token_hex(4)}"
    if role == "receipt_printer":
        lines = [f"{title} {line}/{SLIP_LINES}" for line in range(1, SLIP_LINES + 1)]
        return PrintJob(title, Slip(tuple(SlipText(line) for line in lines)))
    return PrintJob(title, PdfDocument(pdf([f"{title} page {page} of {PAGES}" for page in range(1, PAGES + 1)]), PAGES))


def pdf(pages: Sequence[str]) -> bytes:
    """Return A4 pages with one line of ASCII each, in a font every printer has (ISO 32000-1, 7.5 and 9.6.2.2)."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, line in enumerate(pages):
        drawn = f"BT /F1 18 Tf 72 760 Td ({line}) Tj ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R {FONT} >>",
            f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        ]
    written, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{content}\nendobj\n".encode("ascii")
    table = len(written)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode("ascii")
    written += b"".join(f"{place:010d} 00000 n \n".encode("ascii") for place in places)
    written += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode("ascii")
    return bytes(written)
