"""Electronic passports and travel permits (ICAO Doc 9303): one dialogue reads and judges a document.

``yield from`` nothing here does input or output: run :func:`read_travel_document` by ``ChipAccess.converse``.
"""

from __future__ import annotations

from devices.chip.emrtd.anchors import TrustAnchorError, TrustAnchors
from devices.chip.emrtd.chip_proof import ChipProof
from devices.chip.emrtd.document import Access, TravelDocument
from devices.chip.emrtd.face import PictureType
from devices.chip.emrtd.keys import Can, MrzKey
from devices.chip.emrtd.passive_authentication import Authenticity
from devices.chip.emrtd.read import read_travel_document

__all__ = [
    "Access",
    "Authenticity",
    "Can",
    "ChipProof",
    "MrzKey",
    "PictureType",
    "TravelDocument",
    "TrustAnchorError",
    "TrustAnchors",
    "read_travel_document",
]
