"""The voice of the simulated world: the real eSpeak NG; played where there is a sound card, else made and let go."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from devices.sim.ippeve.build import require

PLAYER: Final = "aplay"
CARDS: Final = Path("/proc/asound")


class Voice:
    """Nothing runs here: the driver starts the synthesiser itself."""

    async def start(self) -> None:
        """Look for the synthesiser. Raises ``ToolMissingError``."""
        require("espeak-ng", "espeak-ng")

    async def stop(self) -> None:
        """Leave nothing behind."""

    @property
    def player(self) -> str:
        """Return what brings the sound out."""
        return PLAYER if any(CARDS.glob("card*/pcm*p")) and shutil.which(PLAYER) else "none"

    def settings(self) -> dict[str, object]:
        """Return the driver's options."""
        return {"player": self.player}

    def state(self) -> dict[str, object]:
        """Return what there is to hear."""
        return {"heard": self.player != "none"}
