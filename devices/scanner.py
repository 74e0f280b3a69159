"""Port: a reader of printed or displayed codes: QR, Data Matrix, PDF417, bars."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.device import Device

if TYPE_CHECKING:
    from devices.values import Pii


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """One code as read; it may be a person's. ``symbology`` is ``""`` where the scanner does not tell."""

    text: Pii[str]
    symbology: str = ""


class Scanner(Device):
    """Its light and its trigger are on only while somebody waits in :meth:`scan`."""

    @abstractmethod
    async def scan(self) -> ScannedCode:
        """Return the next code that is shown from now on; what was shown before is dropped. Cancellable within 0.5 s.

        Raises ``MediumError`` (``CODE_UNREADABLE``: too long, no text), ``DeviceUnavailable``, ``DeviceProtocolError``.
        """
