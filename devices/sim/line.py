"""The machine's end of a wire, whatever it is made of."""

from __future__ import annotations

from typing import Protocol


class Line(Protocol):
    """Lives on the running event loop; a machine hears by the callback it makes its line with."""

    @property
    def port(self) -> str:
        """Return the address a driver opens."""
        ...

    @property
    def plugged(self) -> bool:
        """Tell whether the line exists."""
        ...

    def plug(self) -> None:
        """Make the line appear. Idempotent."""
        ...

    def unplug(self) -> None:
        """Make the line vanish: whoever has it open sees it. Idempotent."""
        ...

    def send(self, data: bytes) -> None:
        """Send ``data`` after all earlier bytes. Lost when unplugged."""
        ...
