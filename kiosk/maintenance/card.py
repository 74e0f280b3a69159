"""The technician's card as the drivers' side speaks it."""

from __future__ import annotations

import importlib

from kiosk.maintenance.access import PivDialogues


def piv_dialogues() -> PivDialogues:
    """Return the two dialogues with a PIV card. Loaded here, so that a terminal without card reader never does."""
    module = importlib.import_module("devices.chip.piv")
    return PivDialogues(certificate=module.certificate, prove=module.prove)
