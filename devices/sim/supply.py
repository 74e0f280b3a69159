"""The backup supply of the simulated world: mains, a battery, and the upsd that tells of both."""

from __future__ import annotations

from typing import Final

from devices.sim.upsd_machine import UpsdMachine

NAME: Final = "cabinet"
FULL_RUNTIME_S: Final = 1800
LOW_PERCENT: Final = 20
STALE: Final = "DATA-STALE"


class Supply:
    """What a person sees of it, and what a person can do to it."""

    def __init__(self) -> None:
        self._upsd = UpsdMachine(NAME)
        self.plugged = True
        self.mains = True
        self.battery = 97  # percent
        self.worn = False
        self.stale = False
        self.mute = False

    async def start(self) -> None:
        """Switch on. Raises ``OSError``."""
        self._tell()
        await self._upsd.start()

    async def stop(self) -> None:
        """Switch off. Idempotent."""
        await self._upsd.stop()

    def settings(self) -> dict[str, object]:
        """Return the driver's options."""
        return {"host": self._upsd.host, "port": self._upsd.port, "ups": NAME}

    def state(self) -> dict[str, object]:
        """Return what there is to see."""
        return {
            "plugged": self.plugged,
            "mains": self.mains,
            "battery": self.battery,
            "worn": self.worn,
            "stale": self.stale,
            "mute": self.mute,
        }

    def change(self, *, mains: bool | None = None, battery: int | None = None, worn: bool | None = None) -> None:
        """Cut or restore the mains, drain or charge the battery, wear it out."""
        self.mains = self.mains if mains is None else mains
        self.battery = self.battery if battery is None else battery
        self.worn = self.worn if worn is None else worn
        self._tell()

    def lose_contact(self, on: bool) -> None:
        """Let upsd have no news of the supply, or have them again."""
        self.stale = on
        self._upsd.trouble = {NAME: STALE} if on else {}

    def silence(self, on: bool) -> None:
        """Let upsd answer nothing, or answer again."""
        self.mute = on
        self._upsd.mute(on)

    async def unplug(self) -> None:
        """End upsd: every connection breaks."""
        await self._upsd.unplug()
        self.plugged = False

    async def plug(self) -> None:
        """Start upsd again."""
        await self._upsd.plug()
        self.plugged = True

    def _tell(self) -> None:
        words = ["OL", "CHRG"] if self.mains else ["OB", "DISCHRG"]
        words += ["LB"] if self.battery < LOW_PERCENT else []
        words += ["RB"] if self.worn else []
        self._upsd.say(" ".join(words))
        self._upsd.variables[NAME] |= {
            "battery.charge": str(self.battery),
            "battery.runtime": str(FULL_RUNTIME_S * self.battery // 100),
        }
