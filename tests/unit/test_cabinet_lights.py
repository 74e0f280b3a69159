"""Which lights a view asks for, and whether somebody is at the machine: told from little, so told exactly."""

from __future__ import annotations

import asyncio

import pytest

from devices.lights import Light, LightState
from devices.sensors import Sensor
from kiosk.clock import ManualClock
from kiosk.guide_lights import GuideLights, lit
from kiosk.quiet import Quiet
from kiosk.views import (
    NOTHING,
    Belonging,
    Camera,
    Document,
    Goodbye,
    Language,
    Mode,
    OutOfService,
    Prompt,
    Scene,
    Slot,
    Tone,
    plain,
)

ON, BLINK = LightState.ON, LightState.BLINK
SAY = plain("-")


def document(*, ready: bool, tone: Tone = Tone.NEUTRAL) -> Document:
    return Document(title=SAY, body=SAY, slot=Slot.DOCUMENT_TRAY, sheet=1, sheets=1, ready=ready, tone=tone)


def goodbye(tone: Tone, *, taken: bool) -> Goodbye:
    things = (Belonging(label=SAY, slot=Slot.ID_READER, taken=taken),)
    return Goodbye(title=SAY, belongings=things, cleared=False, body=SAY, tone=tone)


@pytest.mark.parametrize(
    ("view", "lights"),
    [
        (Prompt(title=SAY, body=SAY, slot=Slot.ID_READER), {Light.ID_READER: ON}),
        (Prompt(title=SAY, body=SAY, slot=Slot.NONE), {}),
        (Camera(title=SAY, hint=SAY), {Light.FACE: ON}),
        (document(ready=False), {}),
        (document(ready=True), {Light.DOCUMENT_TRAY: ON}),
        (document(ready=False, tone=Tone.ATTENTION), {Light.DOCUMENT_TRAY: ON}),
        (goodbye(Tone.NEUTRAL, taken=False), {Light.ID_READER: ON}),
        (goodbye(Tone.ATTENTION, taken=False), {Light.ID_READER: BLINK}),
        (goodbye(Tone.GOOD, taken=True), {}),
    ],
)
def test_a_light_is_lit_only_where_something_has_to_be_put_in_or_taken_out(view, lights):
    assert lit(view) == {Light.STATUS: ON, **lights}


def test_out_of_service_is_seen_across_the_hall():
    assert lit(OutOfService(title=SAY, body=SAY, since=NOTHING, elsewhere=())) == {Light.STATUS: BLINK}


def test_the_wipe_puts_out_the_light_of_the_last_view():
    class Screen:
        wiped = 0

        def show(self, scene): ...

        def frame(self, frame): ...

        def wipe(self):
            self.wiped += 1

    screen = Screen()
    lights = GuideLights(screen)
    prompt = Prompt(title=SAY, body=SAY, slot=Slot.ID_READER)
    lights.show(Scene(turn=1, view=prompt, language=Language.EN, mode=Mode.NORMAL))
    assert lights._wanted == {Light.STATUS: ON, Light.ID_READER: ON}
    lights.wipe()
    assert (lights._wanted, screen.wiped) == ({Light.STATUS: ON}, 1)


async def test_a_rest_begins_after_the_last_touch_and_ends_with_the_next():
    clock = ManualClock()
    quiet = Quiet(clock)
    async with asyncio.TaskGroup() as group:
        settling = group.create_task(quiet.settled(60))
        with quiet.resting():
            await clock.advance(50)
            quiet.touched()
            await clock.advance(59)
            assert not settling.done()
            await clock.advance(1)
            rest = settling.result()
            over = group.create_task(quiet.over(rest))
            await clock.advance(500)
            assert not over.done()
            quiet.touched()
            await clock.settle()
            assert over.done()


async def test_a_touch_between_rest_and_wait_is_not_missed():
    clock = ManualClock()
    quiet = Quiet(clock)
    with quiet.resting():
        await clock.advance(1)
        rest = await quiet.settled(0)
        quiet.touched()
        await quiet.over(rest)  # ends at once


async def test_a_person_before_the_machine_keeps_it_from_resting_a_dead_sensor_does_not():
    clock = ManualClock()
    quiet = Quiet(clock)
    async with asyncio.TaskGroup() as group:
        with quiet.resting():
            quiet.sensed(Sensor.PERSON_PRESENT, True)
            settling = group.create_task(quiet.settled(60))
            await clock.advance(1000)
            assert not settling.done()
            quiet.sensed(Sensor.PERSON_PRESENT, None)
            await clock.advance(60)
            assert settling.done()
