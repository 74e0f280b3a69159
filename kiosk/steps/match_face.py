"""Row 5, second half: the live face against the picture of the card, with one kind hint at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from devices.camera import Camera as CameraDevice
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceTimeout
from devices.health import Condition
from kiosk.clock import deadline
from kiosk.errors import FaceEngineFailed, JourneyError
from kiosk.events import FaceCompared
from kiosk.identity.face import Look, Verdict
from kiosk.identity.liveness import LivenessResult, create_liveness
from kiosk.identity.prepare import prepared_check
from kiosk.intents import Intent, WentBack
from kiosk.journey import Outcome, Step
from kiosk.views import Camera, Option, Tone, text

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from devices.values import Frame
    from kiosk.identity.face import FaceAnswer, FaceCheck
    from kiosk.identity.liveness import LivenessEngine
    from kiosk.visit import Visit

T = TypeVar("T")
ATTEMPTS = 3  # three, then another way (NIST SP 800-63-4 draft allows five)
BEST_FRAMES = 5  # frames averaged by the built-in recipe
SPACING_S = 0.25  # between frames compared: five of them stand over a second (docs/adr/0006)
LOOK_EVERY_S = 0.15  # guidance: about seven times a second
HINT_STAYS_S = 0.8  # a hint is read, not flickered
SKIP = "match_face.skip"
ROLE = "camera"
ANSWER_S = 5.0  # the port promises a picture, or word of none, within 2 s; a driver that hangs is not waited for
# What makes a camera blind. None of it is the person's: no attempt is counted, and it is never "no face".
BLIND = {
    Condition.FROZEN: DeviceCode.FROZEN,
    Condition.NO_FRAMES: DeviceCode.NO_FRAMES,
    Condition.TOO_DARK: DeviceCode.FAULT,
    Condition.TOO_BRIGHT: DeviceCode.FAULT,
}


class MatchFace(Step):
    """Guides, captures, compares. ``unsure`` never counts as a match."""

    name = "match_face"
    section = "match_face"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK, Outcome.DECLINED, Outcome.GAVE_UP})

    async def run(self, visit: Visit) -> Outcome:
        """Try three times. Raises ``FaceEngineFailed``, ``DeviceError``."""
        card = visit.session.card
        if card is None:
            raise JourneyError("a face is compared with a card's picture")
        if visit.session.face is not None:
            return Outcome.DONE  # came back from a later step
        try:
            return await self._tries(visit, await prepared_check(visit, card))
        except FaceEngineFailed:
            visit.face_check = None  # its process is lost; trying again makes a new one from the card's picture
            raise

    async def _tries(self, visit: Visit, check: FaceCheck) -> Outcome:
        async with visit.tools.devices.lease(ROLE) as device:
            if not isinstance(device, CameraDevice):
                raise TypeError(f"{ROLE} is a {type(device).__name__}")
            try:
                await _answer(visit, device.start())
                for attempt in range(1, ATTEMPTS + 1):
                    answer = await self._attempt(visit, device, check, attempt)
                    if isinstance(answer, Intent):
                        return Outcome.BACK if isinstance(answer, WentBack) else Outcome.DECLINED
                    if answer is not None and answer.verdict is Verdict.MATCH:
                        visit.session.face = answer
                        if visit.session.card is not None:
                            visit.session.card.photo.wipe()
                        return Outcome.DONE
            finally:
                await _switched_off(visit, device)
        return Outcome.GAVE_UP

    async def _attempt(
        self, visit: Visit, camera: CameraDevice, check: FaceCheck, attempt: int
    ) -> FaceAnswer | Intent | None:
        """Return the engine's answer, the resident's intent, or ``None`` when no usable picture came in time."""
        hint = text("match_face.again") if attempt > 1 else text("look.no_face")

        liveness = create_liveness(visit.tools.settings.face.liveness)

        async def capture() -> FaceAnswer | None:
            try:
                async with deadline(visit.tools.clock, visit.tools.settings.timings.face_s):
                    frames = await _Capture(visit, camera, check, liveness).run()
            except TimeoutError as error:
                if isinstance(error, DeviceError):
                    raise
                await _blame_camera(visit, camera)
                return None
            visit.stage.update(_view("match_face.comparing", busy=True))
            return replace(await check.compare(frames), liveness=liveness.name)

        answer = await visit.stage.ask_while(
            _view(hint.key, tone=Tone.ATTENTION if attempt > 1 else Tone.NEUTRAL), capture(), back=True
        )
        if answer is not None and not isinstance(answer, Intent):
            visit.tools.log.emit(
                FaceCompared(
                    visit=visit.session.visit,
                    verdict=answer.verdict.value,
                    engine=answer.engine.name,
                    liveness=answer.liveness,
                )
            )
        return answer


class _Capture:
    """Collects good frames while liveness watches all of them."""

    def __init__(self, visit: Visit, camera: CameraDevice, check: FaceCheck, liveness: LivenessEngine) -> None:
        self._visit = visit
        self._liveness = liveness
        self._camera = camera
        self._check = check
        self._good: deque[Frame] = deque(maxlen=BEST_FRAMES)
        self._hinted = ("", 0.0)
        self._looked = 0.0

    async def run(self) -> list[Frame]:
        """Return the frames to compare once the face was good for long enough and liveness agrees."""
        liveness = self._liveness
        liveness.begin()
        while True:
            frame = await _answer(self._visit, self._camera.frame())
            self._visit.stage.frame(frame)
            liveness.push(frame)
            if frame.taken - self._looked < LOOK_EVERY_S:
                continue
            self._looked = frame.taken
            look = await self._check.look(frame)
            self._hint(look, frame.taken)
            if look is not Look.OK:
                self._good.clear()
                continue
            if not self._good or frame.taken - self._good[-1].taken >= SPACING_S:
                self._good.append(frame)
            if len(self._good) == BEST_FRAMES and liveness.result() is LivenessResult.PASS:
                return list(self._good)

    def _hint(self, look: Look, now: float) -> None:
        key, since = self._hinted
        wanted = f"look.{look.value}"
        if wanted != key and (not key or now - since >= HINT_STAYS_S):
            self._hinted = (wanted, now)
            self._visit.stage.update(_view(wanted))


async def _answer(visit: Visit, asked: Coroutine[Any, Any, T]) -> T:
    """Await the camera, within its deadline."""
    try:
        async with deadline(visit.tools.clock, ANSWER_S):
            return await asked
    except TimeoutError as error:
        if isinstance(error, DeviceError):
            raise
        raise DeviceTimeout(f"no answer within {ANSWER_S:g} s", device=ROLE) from None


async def _switched_off(visit: Visit, camera: CameraDevice) -> None:
    """Switch the sensor off; one that hangs is closed and reopened before it is used again."""
    try:
        await _answer(visit, camera.stop())
    except DeviceError as error:
        visit.tools.devices.report(ROLE, error)


async def _blame_camera(visit: Visit, camera: CameraDevice) -> None:
    """Raise ``DeviceFault`` when no usable picture came because the camera is blind: covered, frozen, without light."""
    health = await _answer(visit, camera.probe())
    if health.usable:
        return
    names = ", ".join(sorted(condition.value for condition in health.conditions))
    code = next((BLIND[condition] for condition in BLIND if condition in health.conditions), DeviceCode.FAULT)
    visit.tools.staff.device(ROLE, health)
    raise DeviceFault(f"no usable picture: {names}", code=code, device=ROLE)


def _view(key: str, *, busy: bool = False, tone: Tone = Tone.NEUTRAL) -> Camera:
    return Camera(
        title=text("match_face.title"),
        hint=text(key),
        tone=tone,
        busy=busy,
        options=() if busy else (Option(id=SKIP, title=text("match_face.skip")),),
    )
