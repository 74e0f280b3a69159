"""The technician's card as the drivers' side speaks it."""

from __future__ import annotations

from devices.chip import piv
from kiosk.maintenance.access import PivDialogues


def piv_dialogues() -> PivDialogues:
    """Return the two dialogues with a PIV card."""
    return PivDialogues(certificate=piv.certificate, prove=piv.prove)
