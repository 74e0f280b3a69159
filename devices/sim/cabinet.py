"""The cabinet of the simulated world: its lights and its contacts, on one Modbus board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.lights import Light
from devices.sensors import Sensor
from devices.sim.modbus_board import ModbusBoard, ModbusSerialLine

if TYPE_CHECKING:
    from pathlib import Path

COILS: Final = {light: coil for coil, light in enumerate(Light)}
INPUTS: Final = {sensor: place for place, sensor in enumerate(Sensor)}
WATCHDOG_COIL: Final = 15
POLL_S: Final = 0.25  # a hand on a door is slower, and a short press is counted; less work than at the usual interval


class Cabinet:
    """One board on a serial line; its link lies in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._board = ModbusBoard(watchdog_output=WATCHDOG_COIL)
        self._line = ModbusSerialLine(folder, [self._board], baud=19200)
        self.plugged = True
        self.answers = True
        self.sensors = dict.fromkeys(Sensor, False)

    async def start(self) -> None:
        """Plug it in. Raises ``OSError``."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._line.start()

    async def stop(self) -> None:
        """Pull it for good. Idempotent."""
        await self._line.stop()

    def settings(self) -> dict[str, dict[str, object]]:
        """Return the options of the two drivers."""
        place = {"port": self._line.port, "baud": 19200}
        inputs = {sensor.value: at for sensor, at in INPUTS.items()}
        lights = {light.value: coil for light, coil in COILS.items()}
        return {
            "lights": {**place, "lights": lights, "watchdog_coil": WATCHDOG_COIL},
            "sensors": {**place, "sensors": inputs, "counters": inputs, "poll_interval_s": POLL_S},
        }

    def state(self) -> dict[str, object]:
        """Return which lights are lit just now, and every contact."""
        outputs = self._board.outputs
        return {
            "plugged": self.plugged,
            "answers": self.answers,
            "lit": [light.value for light, coil in COILS.items() if coil in outputs],
            "sensors": {sensor.value: on for sensor, on in self.sensors.items()},
        }

    def turn(self, sensor: Sensor, on: bool) -> None:
        """Open or close a contact."""
        self.sensors[sensor] = on
        self._board.contact(INPUTS[sensor], on)

    def silent(self, on: bool) -> None:
        """Let the board answer nothing, or answer again."""
        self._line.silent(on)
        self.answers = not on

    def restart(self) -> None:
        """Let the board lose its power for a moment: its outputs fall, its counters begin anew."""
        self._board.restart()

    def unplug(self) -> None:
        """Pull the line."""
        self._line.unplug()
        self.plugged = False

    def plug(self) -> None:
        """Put it back."""
        self._line.plug()
        self.plugged = True
