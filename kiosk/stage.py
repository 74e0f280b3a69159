"""The stage: one question at a time between a step and the resident.

It owns what is common to every question: language, letter size, help, leave, the idle warning and the session's cap.
A step shows a view and gets back the intent that answers it; intents of an older question are ignored.
"""

from __future__ import annotations

import asyncio
import enum
import math
from typing import TYPE_CHECKING, Protocol, TypeVar

from kiosk.clock import first_of
from kiosk.intents import (
    AskedHelp,
    Chose,
    Intent,
    SwitchedLanguage,
    SwitchedMode,
    Touched,
    WentBack,
    WentHome,
)
from kiosk.journey import Ending
from kiosk.views import NOTHING, Key, Language, Mode, Option, Overlay, OverlayKind, Scene, Text, View, plain, text

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from devices.values import Clock, Frame, TimerHandle
    from kiosk.settings import Timings

T = TypeVar("T")

STAY = "overlay.stay"
LEAVE = "overlay.leave"
FRAME_KEYS = frozenset({Key.LANGUAGE, Key.MODE})


class Screen(Protocol):
    """What the stage plays on. Called on the core's thread; must not block."""

    def show(self, scene: Scene) -> None:
        """Show a scene; the latest wins."""
        ...

    def frame(self, frame: Frame) -> None:
        """Show a camera picture in the view that has one; the latest wins."""
        ...

    def wipe(self) -> None:
        """Overwrite every picture and typed character still held."""
        ...


class Idle(enum.Enum):
    """How long a question may stay unanswered."""

    OFF = "off"  # the machine is working, or nobody is there
    NORMAL = "normal"
    SHORT = "short"  # result screens: personal data is in view


class VisitOver(Exception):
    """The resident left, or nobody answered, or the session's cap was reached."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


class Stage:
    """See the module. All methods belong to the core's loop."""

    def __init__(
        self,
        screen: Screen,
        clock: Clock,
        timings: Timings,
        *,
        help_lines: Sequence[Text] = (),
        on_help: Callable[[], None] = lambda: None,
    ) -> None:
        self._screen = screen
        self._clock = clock
        self._timings = timings
        self._help_lines = tuple(help_lines)
        self.on_help = on_help
        self.language = Language.ZH_CN
        self.mode = Mode.NORMAL
        self.place: tuple[int, int] | None = None
        self._banner = NOTHING
        self._shown_banner = NOTHING
        self._keys = FRAME_KEYS
        self._turn = 0
        self._view: View | None = None
        self._overlay: Overlay | None = None
        self._answers: asyncio.Queue[Intent | None] = asyncio.Queue()  # None only wakes
        self._over: Ending | None = None  # latched: an end of the visit is never lost to a race
        self._idle = Idle.OFF
        self._idle_timer: TimerHandle | None = None
        self._cap_timers: list[TimerHandle] = []
        self._begun = 0.0
        self._in_visit = False
        self._default = Language.ZH_CN
        self._forget_timer: TimerHandle | None = None
        self._finish_timer: TimerHandle | None = None

    # -- a visit's frame

    def begin_visit(self) -> None:
        """Start the session's cap; the keys leave and help work from now on."""
        self._in_visit = True
        self._over = None
        self._begun = self._clock.monotonic()
        self._arm_cap()

    def end_visit(self) -> None:
        """Stop every timer and go back to the defaults: the next person starts from nothing."""
        self._in_visit = False
        self._over = None
        self._disarm()
        self._disarm_cap()
        if self._finish_timer is not None:
            self._finish_timer.cancel()
        self._overlay = None
        self.place = None

    def finish_within(self, seconds: float, banner: Text) -> None:
        """Say that the machine is wanted, and end the visit under way after ``seconds`` as if its time were up."""
        if self._in_visit:
            self.set_banner(banner, now=True)
            if self._finish_timer is not None:
                self._finish_timer.cancel()
            self._finish_timer = self._clock.call_later(seconds, lambda: self._end(Ending.TIMED_OUT))

    def reset_frame(self, language: Language) -> None:
        """Set language, size and banner to those of an untouched terminal."""
        self._default = language
        self.language = language
        self.mode = Mode.NORMAL
        self._banner = NOTHING

    def raise_if_over(self) -> None:
        """Raise ``VisitOver`` when the resident has left or the time is up; asked before what cannot be undone."""
        if self._over is not None:
            raise VisitOver(self._over)

    def set_banner(self, banner: Text, *, now: bool = False) -> None:
        """Show a line over every view, e.g. that the network is down. Nothing removes it."""
        if banner != self._banner:
            self._banner = banner
            if not self._in_visit or now:  # else with the next question: nothing may move under a finger
                self._shown_banner = banner
                self._publish()

    # -- questions

    def show(self, view: View, *, leave: bool = True) -> None:
        """Show a view that asks nothing; the machine is working. ``leave`` is false where it is too late to cancel."""
        self._next(view, Idle.OFF, back=False, leave=leave)

    def update(self, view: View) -> None:
        """Replace the view of the current question; what was typed stays."""
        self._view = view
        self._publish()

    async def ask(self, view: View, *, idle: Idle = Idle.NORMAL, back: bool = False, again: bool = False) -> Intent:
        """Show ``view`` and return the intent that answers it. ``again``: the same question, updated.

        Raises ``VisitOver`` when the resident leaves or does not answer.
        """
        if again:
            self.update(view)
            self._arm()
        else:
            self._next(view, idle, back=back)
        return await self.answer()

    async def answer(self) -> Intent:
        """Return the next intent that answers the current question."""
        while True:
            self.raise_if_over()
            given = await self._answers.get()
            if given is not None:
                return given

    async def ask_while(
        self,
        view: View,
        wait: Coroutine[Any, Any, T],
        *,
        accept: tuple[type[Intent], ...] = (Chose, WentBack),
        idle: Idle = Idle.NORMAL,
        back: bool = False,
        later: tuple[float, View] | None = None,
        leave: bool = True,
    ) -> Intent | T:
        """Show ``view`` and return whichever comes first: an intent of ``accept``, or the result of ``wait``.

        ``later`` replaces the view after so many seconds, e.g. by one with a hint.
        """

        async def accepted() -> Intent | T:
            while True:
                intent = await self.answer()
                if isinstance(intent, accept):
                    return intent

        async def waited() -> Intent | T:
            return await wait

        self._next(view, idle, back=back, leave=leave)
        timer = self._clock.call_later(later[0], lambda: self.update(later[1])) if later is not None else None
        try:
            _, result = await first_of(waited(), accepted())
        finally:
            wait.close()
            self._disarm()
            if timer is not None:
                timer.cancel()
        if self._over is not None:  # both in one turn: the end counts, and a result that came is not kept
            wipe = getattr(result, "wipe", None)
            if callable(wipe):
                wipe()
            raise VisitOver(self._over)
        return result

    async def watch(self, wait: Coroutine[Any, Any, T]) -> T:
        """Await ``wait`` while the machine works; ends with ``VisitOver`` when the resident leaves meanwhile."""

        async def leaving() -> T:
            while True:
                await self.answer()

        _, result = await first_of(wait, leaving())
        self.raise_if_over()
        return result

    def frame(self, frame: Frame) -> None:
        """Pass a camera picture on."""
        self._screen.frame(frame)

    def wipe(self) -> None:
        """Forget the view and every unanswered intent; have the screen do the same."""
        self._view = None
        self._overlay = None
        self._drain()
        self._screen.wipe()

    # -- intents

    def post(self, intent: Intent) -> None:
        """Take what the resident did. Belongs to the core's loop."""
        if isinstance(intent, SwitchedLanguage):
            self.language = intent.language
        elif isinstance(intent, SwitchedMode):
            self.mode = intent.mode
            self._arm_cap()
        elif intent.turn != self._turn:
            return
        elif self._overlay is not None and isinstance(intent, Chose) and intent.option in {STAY, LEAVE}:
            self._overlay = None
            if intent.option == LEAVE:
                self._end(Ending.ABANDONED)
        elif self._overlay is not None and self._overlay.kind is not OverlayKind.IDLE_WARNING:
            return  # a question lies over the view: only its own keys answer
        elif isinstance(intent, AskedHelp) and Key.HELP in self._keys:
            self.on_help()
            self._cover(OverlayKind.HELP, self._help_lines)
        elif isinstance(intent, WentHome) and Key.LEAVE in self._keys:
            self._cover(OverlayKind.LEAVE, (text("stage.leave_means"),))
        elif isinstance(intent, Touched):
            self._overlay = None
        elif not isinstance(intent, WentBack) or Key.BACK in self._keys:
            self._overlay = None
            self._answers.put_nowait(intent)
        self._arm()
        self._forget_later()
        self._publish()

    # -- inside

    @property
    def _factor(self) -> float:
        return self._timings.elder_factor if self.mode is Mode.ELDER else 1.0

    def _next(self, view: View, idle: Idle, *, back: bool, leave: bool = True) -> None:
        self._turn += 1
        self._shown_banner = self._banner
        self._view = view
        self._overlay = None
        self._idle = idle if self._in_visit else Idle.OFF
        self._keys = FRAME_KEYS | ({Key.BACK} if back else set())
        if self._in_visit:
            self._keys |= {Key.LEAVE, Key.HELP} if leave else {Key.HELP}
        self._drain()
        self._arm()
        self._publish()

    def _drain(self) -> None:
        """Drop unanswered intents; an end of the visit is latched elsewhere."""
        while not self._answers.empty():
            self._answers.get_nowait()

    def _publish(self) -> None:
        if self._view is None:
            return
        self._screen.show(
            Scene(
                turn=self._turn,
                view=self._view,
                language=self.language,
                mode=self.mode,
                keys=self._keys,
                place=self.place,
                banner=self._shown_banner,
                overlay=self._overlay,
            )
        )

    def _cover(self, kind: OverlayKind, lines: tuple[Text, ...]) -> None:
        actions = [Option(id=STAY, title=text(f"stage.{kind}.stay"))]
        if kind is not OverlayKind.HELP:
            actions.append(Option(id=LEAVE, title=text(f"stage.{kind}.leave")))
        self._overlay = Overlay(kind=kind, title=text(f"stage.{kind}.title"), lines=lines, actions=tuple(actions))

    def _end(self, ending: Ending) -> None:
        self._disarm()
        if self._in_visit:
            self._over = self._over or ending
            self._answers.put_nowait(None)

    def _arm_cap(self) -> None:
        """Set the session's cap for the present size of type, counted from the visit's begin."""
        self._disarm_cap()
        if not self._in_visit:
            return
        cap = self._begun + self._timings.session_cap_s * self._factor - self._clock.monotonic()
        warn = max(0.0, cap - self._timings.cap_warning_s * self._factor)
        self._cap_timers = [
            self._clock.call_later(warn, lambda: self.set_banner(text("stage.cap_soon"), now=True)),
            self._clock.call_later(max(0.0, cap), lambda: self._end(Ending.TIMED_OUT)),
        ]

    def _disarm_cap(self) -> None:
        for timer in self._cap_timers:
            timer.cancel()
        self._cap_timers = []

    def _forget_later(self) -> None:
        """Take back language and size chosen before a visit when nobody begins one."""
        if self._forget_timer is not None:
            self._forget_timer.cancel()
            self._forget_timer = None
        if not self._in_visit and (self.language, self.mode) != (self._default, Mode.NORMAL):
            self._forget_timer = self._clock.call_later(self._timings.idle_s, self._forget_choice)

    def _forget_choice(self) -> None:
        if not self._in_visit:
            self.language, self.mode = self._default, Mode.NORMAL
            self._publish()

    def _disarm(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _arm(self) -> None:
        self._disarm()
        if self._idle is Idle.OFF:
            return
        wait = self._timings.idle_s if self._idle is Idle.NORMAL else self._timings.idle_short_s
        self._idle_timer = self._clock.call_later(wait * self._factor, self._warn)

    def _warn(self) -> None:
        self._count_down(math.ceil(self._timings.answer_s * self._factor))

    def _count_down(self, seconds: int) -> None:
        if seconds <= 0:
            self._end(Ending.TIMED_OUT)
            return
        self._cover(OverlayKind.IDLE_WARNING, (text("stage.idle_means", seconds=plain(seconds)),))
        if self._overlay is not None:
            self._overlay = Overlay(
                kind=self._overlay.kind,
                title=self._overlay.title,
                lines=self._overlay.lines,
                seconds=seconds,
                actions=self._overlay.actions,
            )
        self._publish()
        self._idle_timer = self._clock.call_later(1, lambda: self._count_down(seconds - 1))
