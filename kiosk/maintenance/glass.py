"""The technician's side of the screen: one question at a time, and nobody before it for long locks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kiosk.intents import Chose, Intent, Submitted, WentBack
from kiosk.stage import Idle
from kiosk.views import (
    NOTHING,
    Field,
    FieldKind,
    Maintenance,
    MaintenancePage,
    MaintenanceRow,
    MaintenanceSection,
    Option,
    ProgressStage,
    Slot,
    Text,
    Tone,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from devices.values import Clock
    from kiosk.maintenance.findings import Section
    from kiosk.stage import Stage

T = TypeVar("T")

ACCEPTED = (Chose, Submitted, WentBack)
YES, NO, SKIP, DONE = "yes", "no", "skip", "done"


class LeftAlone(Exception):
    """Nobody touched the screen for so long that it locks."""


class Glass:
    """Shows pages and returns what was answered. ``who`` and ``promised`` stand on every page."""

    def __init__(self, stage: Stage, clock: Clock, lock_s: float) -> None:
        self._stage = stage
        self._clock = clock
        self._lock_s = lock_s
        self.who = NOTHING
        self.promised = NOTHING

    def page(
        self,
        page: MaintenancePage,
        title: Text,
        *,
        lead: Text = NOTHING,
        tone: Tone = Tone.NEUTRAL,
        sections: Iterable[MaintenanceSection] = (),
        stages: Iterable[ProgressStage] = (),
        fields: Iterable[Field] = (),
        secret: frozenset[str] = frozenset(),
        submit: Text = NOTHING,
        options: Iterable[Option] = (),
        picture: str = "",
        slot: Slot = Slot.NONE,
    ) -> Maintenance:
        """Return a page with what stands on every page."""
        return Maintenance(
            title=title,
            page=page,
            lead=lead,
            tone=tone,
            who=self.who,
            sections=tuple(sections),
            stages=tuple(stages),
            fields=tuple(fields),
            secret=secret,
            submit=submit,
            options=tuple(options),
            picture=picture,
            slot=slot,
            promised=self.promised,
        )

    def show(self, view: Maintenance) -> None:
        """Show a page that asks nothing."""
        self._stage.show(view)

    def update(self, view: Maintenance) -> None:
        """Replace what is shown, e.g. by progress."""
        self._stage.update(view)

    async def ask(self, view: Maintenance, *, back: bool = True) -> Intent:
        """Show a page and return the answer. Raises ``LeftAlone``."""
        answer = await self._stage.ask_while(
            view, self._clock.sleep(self._lock_s), accept=ACCEPTED, idle=Idle.OFF, back=back
        )
        if not isinstance(answer, Intent):
            raise LeftAlone
        return answer

    async def ask_while(self, view: Maintenance, wait: Coroutine[Any, Any, T], *, back: bool = False) -> Intent | T:
        """Show a page and return the answer, or what ``wait`` returned before one."""
        return await self._stage.ask_while(view, wait, accept=ACCEPTED, idle=Idle.OFF, back=back)

    async def choose(self, title: Text, options: Iterable[Option], *, lead: Text = NOTHING) -> str:
        """Return the id of the option chosen; empty: went back. Raises ``LeftAlone``."""
        answer = await self.ask(self.page(MaintenancePage.QUESTION, title, lead=lead, options=options))
        return answer.option if isinstance(answer, Chose) else ""

    async def form(
        self, title: Text, lead: Text, fields: Iterable[Field], *, errors: Mapping[str, Text] | None = None
    ) -> dict[str, str] | None:
        """Return what was typed; ``None``: went back. Raises ``LeftAlone``."""
        view = self.page(
            MaintenancePage.RECORD,
            title,
            lead=lead,
            fields=[_with_error(field, (errors or {}).get(field.id, NOTHING)) for field in fields],
            submit=text("maintenance.do.done"),
        )
        while True:
            answer = await self.ask(view)
            if isinstance(answer, WentBack):
                return None
            if isinstance(answer, Submitted) and answer.complete:
                return dict(answer.values)

    async def done(self, words: Text, *, tone: Tone = Tone.GOOD, title: Text | None = None) -> None:
        """Say how something ended and wait until it was read. Raises ``LeftAlone``."""
        options = [Option(id=DONE, title=text("maintenance.do.done"))]
        await self.ask(
            self.page(MaintenancePage.DONE, title or text("maintenance.title"), lead=words, tone=tone, options=options)
        )


class GlassHands:
    """The technician, asked by self-tests."""

    def __init__(self, glass: Glass) -> None:
        self._glass = glass

    async def ask(self, question: Text) -> bool | None:
        """Return yes or no; ``None``: leave it out. Raises ``LeftAlone``."""
        options = [Option(id=name, title=text(f"maintenance.ask.{name}")) for name in (YES, NO, SKIP)]
        chosen = await self._glass.choose(text("maintenance.ask.title"), options, lead=question)
        return {YES: True, NO: False}.get(chosen)

    async def bid(self, request: Text, wait: Coroutine[Any, Any, T]) -> T | None:
        """Ask for something and return what ``wait`` saw; ``None``: leave it out."""
        options = [Option(id=SKIP, title=text("maintenance.ask.skip"))]
        view = self._glass.page(MaintenancePage.QUESTION, text("maintenance.ask.title"), lead=request, options=options)
        seen = await self._glass.ask_while(view, wait)
        return None if isinstance(seen, Intent) else seen


def typed(name: str, label: Text, kind: FieldKind = FieldKind.TEXT, *, value: str = "", most: int = 0) -> Field:
    """Return a field to be typed into."""
    return Field(id=name, label=label, kind=kind, value=value, max_length=most)


def chosen(name: str, label: Text, options: Iterable[tuple[str, Text]]) -> Field:
    """Return a field with a choice; the first is chosen to begin with."""
    made = tuple(Option(id=one, title=title) for one, title in options)
    return Field(id=name, label=label, kind=FieldKind.CHOICE, options=made, value=made[0].id)


def shown(found: tuple[Section, ...], *, whole: str = "") -> tuple[MaintenanceSection, ...]:
    """Return the sections for the screen; ``whole``: only this one, with all its rows."""
    return tuple(
        MaintenanceSection(
            id=section.id,
            title=section.title,
            colour=section.colour,
            rows=tuple(
                MaintenanceRow(id=row.id, label=row.label, value=row.value, colour=row.colour, detail=row.detail)
                for row in section.rows
            ),
        )
        for section in found
        if whole in {"", section.id}
    )


def _with_error(field: Field, error: Text) -> Field:
    return Field(
        id=field.id,
        label=field.label,
        kind=field.kind,
        value=field.value,
        options=field.options,
        max_length=field.max_length,
        error=error,
    )
