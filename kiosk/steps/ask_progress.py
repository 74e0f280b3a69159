"""A built-in tool: how does my case go? By slip code, state only: never a name, never an item."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kiosk.intents import Agreed, Submitted, WentBack
from kiosk.journey import Outcome, Step
from kiosk.views import (
    NOTHING,
    Fact,
    Field,
    FieldKind,
    Form,
    Progress,
    ProgressStage,
    Result,
    StageState,
    Text,
    Tone,
    plain,
    text,
)

if TYPE_CHECKING:
    from kiosk.visit import Visit

NUMBER = "progress.number"
PARTS = (4, 6, 4, 4)  # kiosk, day, count, guard
KNOWN_STATES = frozenset({"received", "in_progress", "answered", "approved", "refused", "printed", "filed", "pending"})


class AskProgress(Step):
    """Asks for the number, then central; a wrong number says so and keeps what was typed."""

    name = "ask_progress"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK})

    async def run(self, visit: Visit) -> Outcome:
        """Ask until a state was shown or the resident goes back."""
        typed, error = "", NOTHING
        while True:
            intent = await visit.stage.ask(_form(typed, error), back=True)
            if isinstance(intent, WentBack):
                return Outcome.BACK
            if not isinstance(intent, Submitted) or not intent.complete:
                continue
            typed = re.sub(r"\D", "", dict(intent.values).get(NUMBER, ""))
            if len(typed) != sum(PARTS):
                error = text("progress.length", digits=sum(PARTS))
                continue
            state = await self._state(visit, typed)
            if state is None:
                error = text("progress.unknown")
                continue
            await self._show(visit, *state)
            return Outcome.DONE

    async def _state(self, visit: Visit, digits: str) -> tuple[str, str] | None:
        visit.stage.show(
            Progress(
                title=text("progress.asking"),
                stages=(ProgressStage(label=text("progress.central"), state=StageState.RUNNING),),
            )
        )
        parts, at = [], 0
        for length in PARTS:
            parts.append(digits[at : at + length])
            at += length
        found = await visit.stage.watch(visit.tools.gateway.progress("-".join(parts)))
        return (found.state, found.updated) if found is not None else None

    async def _show(self, visit: Visit, state: str, updated: str) -> None:
        shown = state if state in KNOWN_STATES else "in_progress"
        view = Result(
            title=text("progress.title"),
            tone=Tone.NEUTRAL,
            body=(text(f"progress.state.{shown}"),),
            facts=(Fact(text("progress.updated"), plain(updated[:16].replace("T", " "))),),
            done=text("progress.done"),
        )
        while not isinstance(await visit.stage.ask(view), Agreed):
            pass


def _form(typed: str, error: Text) -> Form:
    return Form(
        title=text("progress.title"),
        lead=text("progress.lead"),
        fields=(
            Field(
                id=NUMBER,
                label=text("progress.number"),
                kind=FieldKind.DIGITS,
                value=typed,
                max_length=sum(PARTS),
                error=error,
            ),
        ),
        submit=text("progress.submit"),
    )
