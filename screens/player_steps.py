"""Carries out the steps of a visit, one after the other, without ever blocking the screen."""

from __future__ import annotations

import functools
import re
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from devices.sim.dock_client import DockError
from screens.player_hands import StepFailed, until
from screens.player_visit import (
    CentralStep,
    Expect,
    ExpectReportStep,
    ExpectStep,
    ReadSmsStep,
    ScreenshotStep,
    Strict,
    TapStep,
    TypeStep,
    WaitWorldStep,
    WorldStep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from devices.sim.dock_client import DockClient
    from kiosk.views import Scene
    from screens.player_hands import Hands
    from screens.player_keyboard import Typist
    from screens.player_record import Recorder

T = TypeVar("T")

SMS_S = 15.0
CODE = re.compile(r"(?<!\d)\d{4,8}(?!\d)")


class Steps:
    """What a step of each kind means. ``scene`` returns the scene on the glass, ``report`` asks the terminal."""

    def __init__(
        self,
        *,
        hands: Hands,
        typist: Typist,
        dock: DockClient,
        recorder: Recorder,
        scene: Callable[[], Scene | None],
        report: Callable[[], Future[Mapping[str, Any]]],
    ) -> None:
        self._hands = hands
        self._typist = typist
        self._dock = dock
        self._recorder = recorder
        self._scene = scene
        self._report = report
        self._calls = ThreadPoolExecutor(1, thread_name_prefix="dock")
        self._known: dict[str, str] = {}
        self._messages_read = 0
        self._ways: dict[type[Strict], Callable[[Any], Generator[None, None, None]]] = {
            ExpectStep: self._expect,
            TapStep: self._tap,
            TypeStep: self._type,
            ReadSmsStep: self._keep_code,
            WorldStep: self._move_world,
            CentralStep: self._upset_central,
            WaitWorldStep: self._wait_world,
            ExpectReportStep: self._expect_report,
            ScreenshotStep: self._take_picture,
        }

    def close(self) -> None:
        """Wait for the last call to the dock, which is bounded in time."""
        self._calls.shutdown()

    def do(self, step: Strict) -> Generator[None, None, None]:
        """Carry out one step. Raises ``StepFailed``."""
        yield from self._ways[type(step)](step)

    def _expect(self, step: ExpectStep) -> Generator[None, None, None]:
        expect = step.expect
        yield from until(lambda: self._shown(expect), expect.within_s, lambda: self._instead(expect))

    def _tap(self, step: TapStep) -> Generator[None, None, None]:
        yield from self._take_in()
        yield from self._hands.tap(self._filled(step.tap.name), step.tap.nth, step.tap.within_s)

    def _type(self, step: TypeStep) -> Generator[None, None, None]:
        yield from self._take_in()
        scene = self._scene()
        if scene is None:
            raise StepFailed("nothing is on the glass")
        what = step.type
        filled = {"digits": self._filled(what.digits), "text": self._filled(what.text)}
        yield from self._typist.fill(what.model_copy(update=filled), scene.language)

    def _keep_code(self, step: ReadSmsStep) -> Generator[None, None, None]:
        self._known[step.read_sms] = yield from self._read_sms()

    def _move_world(self, step: WorldStep) -> Generator[None, None, None]:
        yield from self.call(functools.partial(self._dock.act, step.world.action, **(step.world.model_extra or {})))

    def _upset_central(self, step: CentralStep) -> Generator[None, None, None]:
        yield from self.call(functools.partial(self._dock.act, "central.faults", faults=step.central))

    def _wait_world(self, step: WaitWorldStep) -> Generator[None, None, None]:
        wait = step.wait_world
        yield from self._wait(lambda: self.call(self._dock.state), wait.model_extra or {}, wait.within_s)

    def _expect_report(self, step: ExpectReportStep) -> Generator[None, None, None]:
        wait = step.expect_report
        yield from self._wait(lambda: self._when_done(self._report()), wait.model_extra or {}, wait.within_s)

    def _take_picture(self, step: ScreenshotStep) -> Generator[None, None, None]:
        yield from self._take_in()
        self._recorder.take_now(step.screenshot)

    def call(self, work: Callable[[], T]) -> Generator[None, None, T]:
        """Run a blocking call to the dock in the worker while the screen goes on. Raises ``StepFailed``."""
        return (yield from self._when_done(self._calls.submit(work)))

    def _when_done(self, future: Future[T]) -> Generator[None, None, T]:
        while not future.done():
            yield
        try:
            return future.result()
        except DockError as error:
            raise StepFailed(str(error)) from error

    def _take_in(self) -> Generator[None, None, None]:
        """Look before touching, as long as a person at least would."""
        while not self._recorder.settled:
            yield

    # --- looking ---------------------------------------------------------------------------------------------------

    def _shown(self, expect: Expect) -> bool | None:
        scene = self._scene()
        if scene is None or (expect.view and type(scene.view).__name__ != expect.view):
            return None
        if expect.tone is not None and getattr(scene.view, "tone", None) != expect.tone:
            return None
        if expect.overlay is not None and expect.overlay != (scene.overlay.kind if scene.overlay else "none"):
            return None
        if expect.text or expect.without:
            said = self._hands.words()
            if not all(any(self._filled(text) in each for each in said) for text in expect.text):
                return None
            if any(text in each for text in expect.without for each in said):
                return None
        return True

    def _instead(self, expect: Expect) -> str:
        scene = self._scene()
        if scene is None:
            return "nothing is on the glass"
        shown = type(scene.view).__name__
        if expect.view and shown != expect.view:
            return f"expected {expect.view}, the glass shows {shown}: {' | '.join(self._hands.words())}"
        return f"{shown} shows: {' | '.join(self._hands.words())}"

    # --- the world -------------------------------------------------------------------------------------------------

    def _read_sms(self) -> Generator[None, None, str]:
        """Return the code in the first text message not read yet."""
        messages: list[dict[str, Any]] = []

        def new() -> bool | None:
            return True if len(messages) > self._messages_read else None

        def refresh() -> Generator[None, None, None]:
            messages[:] = (yield from self.call(self._dock.central))["sms"]

        yield from self._repeat(refresh, new, SMS_S, lambda: "no new text message")
        self._messages_read = len(messages)
        found = CODE.search(str(messages[-1]["text"]))
        if found is None:
            raise StepFailed("the text message holds no code")
        return found.group()

    def _wait(
        self, ask: Callable[[], Generator[None, None, Mapping[str, Any]]], wanted: Mapping[str, Any], within_s: float
    ) -> Generator[None, None, None]:
        state: dict[str, Any] = {}

        def refresh() -> Generator[None, None, None]:
            state.clear()
            state.update((yield from ask()))

        def met() -> bool | None:
            return True if all(_reaches(_at(state, key), value) for key, value in wanted.items()) else None

        yield from self._repeat(refresh, met, within_s, lambda: str({key: _at(state, key) for key in wanted}))

    def _repeat(
        self,
        refresh: Callable[[], Generator[None, None, None]],
        met: Callable[[], bool | None],
        within_s: float,
        complain: Callable[[], str],
    ) -> Generator[None, None, None]:
        looking = until(met, within_s, complain)
        while True:
            yield from refresh()
            try:
                next(looking)
            except StopIteration:
                return
            yield

    def _filled(self, words: str) -> str:
        for name, value in self._known.items():
            words = words.replace(f"{{{name}}}", value)
        return words


def _at(state: Mapping[str, Any], key: str) -> Any:
    """Return ``state["a"]["b"]`` for "a.b"; None where there is nothing."""
    found: Any = state
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _reaches(found: Any, wanted: Any) -> bool:
    """Compare: a list is meant by its length, a number is "at least"."""
    if isinstance(found, list) and isinstance(wanted, int):
        found = len(found)
    if isinstance(found, int | float) and isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return found >= wanted
    return bool(found == wanted)
