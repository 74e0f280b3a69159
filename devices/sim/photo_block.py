"""The photo block of simulated cards: a small WebP, padded with zeros to the size of a real one.

The codec of real cards is proprietary, so a simulated card cannot carry such a picture; a terminal that uses simulated
readers decodes with ``sim-webp`` instead.
"""

from __future__ import annotations

from devices.photo_decoder import PhotoDecoder

BLOCK_SIZE = 1024  # of the photo block of an identity card
RIFF_HEAD_SIZE = 8  # "RIFF" and the little-endian size of what follows
FORM_END = 12  # "WEBP" stands behind the head


class SimPhotoDecoder(PhotoDecoder):
    """Takes the WebP out again."""

    name = "sim-webp"

    def decode(self, block: bytes) -> bytes | None:
        """Return the WebP, or ``None`` when ``block`` is not a whole block with one padded by zeros."""
        size = _webp_size(block)
        if len(block) != BLOCK_SIZE or size is None or any(block[size:]):
            return None
        return bytes(block[:size])


def encode_photo_block(webp: bytes) -> bytes:
    """Pad ``webp`` to a photo block. Raises ``ValueError`` when it is no WebP or larger than 1024 bytes."""
    if _webp_size(webp) != len(webp):
        raise ValueError("not a WebP picture, or one with bytes missing or left over")
    if len(webp) > BLOCK_SIZE:
        raise ValueError(f"picture of {len(webp)} bytes does not fit a block of {BLOCK_SIZE}")
    return webp.ljust(BLOCK_SIZE, b"\0")


def _webp_size(data: bytes) -> int | None:
    """Return how long the WebP at the start of ``data`` says it is; ``None`` when it is none or not whole."""
    if len(data) < FORM_END or data[:4] != b"RIFF" or data[RIFF_HEAD_SIZE:FORM_END] != b"WEBP":
        return None
    size = RIFF_HEAD_SIZE + int.from_bytes(data[4:RIFF_HEAD_SIZE], "little")
    return size if FORM_END < size <= len(data) else None
