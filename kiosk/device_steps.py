"""A device's quick check at a shell: open, ask, read the name plate, one harmless call of its port, close."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devices.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.device import Device

STEP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step and what the device said; never what a card, a page or a face shows."""

    name: str
    passed: bool
    said: str
    seconds: float


async def _picture(camera: Any) -> str:
    await camera.start()
    try:
        frame = await camera.frame()
    finally:
        await camera.stop()
    return f"a picture of {frame.width} x {frame.height}"


async def _listened(pad: Any) -> str:
    await pad.start()
    await pad.stop()
    return "listened"


async def _dark(lights: Any) -> str:
    await lights.show({})
    return "all off"


async def _silent(speech: Any) -> str:
    await speech.silence()
    return "quiet"


async def _supplies(printer: Any) -> str:
    return ", ".join(f"{each.name}: {each.state.value}" for each in await printer.supplies()) or "tells no supplies"


async def _sensed(sensors: Any) -> str:
    return ", ".join(f"{each.value}: {'on' if on else 'off'}" for each, on in (await sensors.states()).items())


async def _mains(power: Any) -> str:
    return "on mains" if (await power.state()).on_mains else "on battery"


async def _waiting(reader: Any) -> str:
    return "a card lies there" if await reader.card_waiting() else "no card"


async def _present(reader: Any) -> str:
    return "a card is there" if await reader.card_present() else "no card"


async def _position(slot: Any) -> str:
    return str((await slot.position()).value)


HARMLESS: Final[Mapping[str, Callable[[Any], Awaitable[str]]]] = {
    "id_reader": _waiting,
    "card_reader": _present,
    "card_slot": _position,
    "camera": _picture,
    "document_camera": _picture,
    "document_printer": _supplies,
    "receipt_printer": _supplies,
    "pin_pad": _listened,
    "lights": _dark,
    "speech": _silent,
    "sensors": _sensed,
    "power": _mains,
}
"""By role. A scanner has none: its light would call for a code."""


async def steps_of(role: str, device: Device) -> list[Step]:
    """Go through the steps, the first that fails being the last; close in any case. Raises nothing."""

    async def opened() -> str:
        await device.open()
        return ""

    async def asked() -> str:
        health = await device.probe()
        words = " ".join([health.state.value, *sorted(health.conditions)])
        if not health.usable:
            raise _Unusable(words)
        return words

    async def plate() -> str:
        found = device.info()
        return " ".join(filter(None, (found.driver, found.address, found.model, found.serial)))

    acts: dict[str, Callable[[], Awaitable[str]]] = {"open": opened, "health": asked, "name plate": plate}
    if role in HARMLESS:
        acts["use"] = lambda: HARMLESS[role](device)
    steps: list[Step] = []
    for name, act in acts.items():
        steps.append(await _step(name, act))
        if not steps[-1].passed:
            break
    await device.close()
    return steps


class _Unusable(Exception):
    """It answers, and cannot do its work."""


async def _step(name: str, act: Callable[[], Awaitable[str]]) -> Step:
    begin = time.monotonic()
    try:
        async with asyncio.timeout(STEP_S):
            said, passed = await act(), True
    except (DeviceError, _Unusable) as error:
        said, passed = str(error), False
    except TimeoutError:
        said, passed = f"no end within {STEP_S:g} s", False
    return Step(name, passed, said, round(time.monotonic() - begin, 2))
