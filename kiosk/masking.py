"""How personal values look on glass and paper when they need not be read in full."""

from __future__ import annotations

ID_SHOWN = 4  # first and last characters of an identity number (catalogue: mask "first 4, last 4")
PHONE_HEAD, PHONE_TAIL = 3, 4


def masked_name(name: str) -> str:
    """Return the first character and two stars: 张**."""
    return f"{name[:1]}**"


def masked_id(number: str) -> str:
    """Return the first and last four characters, stars between."""
    return number[:ID_SHOWN] + "*" * max(0, len(number) - 2 * ID_SHOWN) + number[-ID_SHOWN:]


def masked_phone(number: str) -> str:
    """Return 138****0019; anything shorter than a phone number is all stars."""
    if len(number) < PHONE_HEAD + PHONE_TAIL:
        return "*" * len(number)
    return f"{number[:PHONE_HEAD]}{'*' * (len(number) - PHONE_HEAD - PHONE_TAIL)}{number[-PHONE_TAIL:]}"


MASKS = {"id": masked_id, "phone": masked_phone, "name": masked_name}
"""By the name a package gives a field's mask."""
