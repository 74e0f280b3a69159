"""What makers' receipt printers have beyond the common ground, as data: one entry a family, chosen in the settings."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Profile:
    """A family of printers. ``names``: GS I 67 and 68 tell model and serial number.

    ``counters``: GS g 2 tells cuts, lines and heatings since it was made. ``full_status``: DLE EOT 20, with the slip
    that lies in the outlet.
    """

    names: bool = False
    counters: bool = False
    full_status: bool = False


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "generic": Profile(),
        "epson": Profile(names=True, counters=True),  # TM-T70/T81/T88/T90; also Citizen CT-S
        "custom": Profile(full_status=True),  # kiosk printers as the VKP80 series
    }
)


def profile(name: str) -> Profile:
    """Return a family's entry. Raises ``ValueError`` naming what is known."""
    if name not in PROFILES:
        raise ValueError(f"profile {name!r}: known are {', '.join(sorted(PROFILES))}")
    return PROFILES[name]
