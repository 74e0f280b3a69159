"""Port: decoder of the 1024-byte photo block of an identity card.

The card's own codec (WLT) is proprietary; a vendor library is bound to a licence and loaded by path, never shipped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod


class PhotoDecoder(ABC):
    """Bytes of the card to a picture."""

    name: str

    @abstractmethod
    def decode(self, block: bytes) -> bytes | None:
        """Return the picture as an encoded image (BMP, PNG or WebP), or ``None`` when it cannot be decoded."""


class NoPhotoDecoder(PhotoDecoder):
    """No codec is installed: reading identities works, comparing faces with the card does not."""

    name = "none"

    def decode(self, block: bytes) -> bytes | None:  # noqa: ARG002 - the port's signature
        """Return ``None`` always."""
        return None
