"""Lights that lead the eye: lit where something has to be put in or taken out now, off otherwise.

They follow what the screen shows, so that no step knows of them. A light that fails stops nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceError
from devices.lights import Light, Lights, LightState
from kiosk.events import DeviceChanged, DeviceProved
from kiosk.maintenance.proof import USABLE
from kiosk.views import (
    Camera,
    Document,
    Fault,
    Goodbye,
    Maintenance,
    OutOfService,
    Prompt,
    Slot,
    Tone,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.values import Frame
    from kiosk.events import Event
    from kiosk.stage import Screen
    from kiosk.views import Scene, View
    from kiosk.visit import Tools

ROLE: Final = "lights"
PLACES: Final[Mapping[Slot, Light]] = {
    Slot.ID_READER: Light.ID_READER,
    Slot.CAMERA: Light.FACE,
    Slot.DOCUMENT_TRAY: Light.DOCUMENT_TRAY,
    Slot.RECEIPT_SLOT: Light.RECEIPT_SLOT,
}


def lit(view: View) -> dict[Light, LightState]:
    """Return the lights of a view. STATUS is steady in service and blinks when nobody is served."""
    serving = not isinstance(view, OutOfService | Maintenance)
    states = {Light.STATUS: LightState.ON if serving else LightState.BLINK}
    for slot, state in _places(view):
        if slot in PLACES:
            states[PLACES[slot]] = state
    return states


def _places(view: View) -> list[tuple[Slot, LightState]]:
    match view:
        case Prompt() | Fault():
            return [(view.slot, LightState.ON)]
        case Camera():
            return [(Slot.CAMERA, LightState.ON)]  # a face in the dark is no face
        case Document() if view.ready or view.tone is Tone.ATTENTION:
            return [(view.slot, LightState.ON)]
        case Goodbye() if view.belongings:
            state = LightState.BLINK if view.tone is Tone.ATTENTION else LightState.ON
            return [(one.slot, state) for one in view.belongings if not one.taken]
        case Maintenance():
            return [(view.slot, LightState.BLINK)]
        case _:
            return []


class GuideLights:
    """A screen between the stage and the real one: passes everything on, and lights what the view asks for."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._of_view: Mapping[Light, LightState] = {}
        self._work: Light | None = None
        self._wanted: Mapping[Light, LightState] = {}
        self._news = asyncio.Event()

    def show(self, scene: Scene) -> None:
        """Show a scene, and light its place."""
        self._want(lit(scene.view))
        self._screen.show(scene)

    def frame(self, frame: Frame) -> None:
        """Pass a picture on."""
        self._screen.frame(frame)

    def wipe(self) -> None:
        """Have the screen forget; the lights of the last view go out with it."""
        self._want({light: state for light, state in self._of_view.items() if light is Light.STATUS})
        self._screen.wipe()

    def work_at(self, light: Light | None) -> None:
        """Blink where a technician has to do something; ``None``: no more."""
        self._work = light
        self._want(self._of_view)

    def hear(self, event: Event) -> None:
        """Light again what a device that was away, or was tested, has lost."""
        match event:
            case DeviceChanged(device="lights") if event.state in USABLE:
                self._news.set()
            case DeviceProved(device="lights"):
                self._news.set()
            case _:
                return

    async def run(self, tools: Tools) -> None:
        """Set lights until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not tools.devices.missing([ROLE]):
                await self._set(tools)

    def _want(self, states: Mapping[Light, LightState]) -> None:
        self._of_view = states
        wanted = dict(states) if self._work is None else {**states, self._work: LightState.BLINK}
        if wanted != self._wanted:
            self._wanted = wanted
            self._news.set()

    async def _set(self, tools: Tools) -> None:
        try:
            async with tools.devices.lease(ROLE) as device:
                if isinstance(device, Lights):
                    await device.show(self._wanted)
        except DeviceError:
            return  # the lease has reported it; once the device is back it is heard and everything is set anew
