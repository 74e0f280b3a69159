"""A code to the phone on file: beside the face while the built-in engine decides (docs/adr/0006)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.gateway import CodeVerdict
from kiosk.intents import Chose, Submitted, WentBack
from kiosk.journey import Outcome, Step
from kiosk.views import NOTHING, Field, FieldKind, Form, Option, Progress, ProgressStage, StageState, Text, plain, text

if TYPE_CHECKING:
    from kiosk.gateway import Challenge
    from kiosk.visit import Visit

CODE_LENGTH = 6
CODE = "sms.code"
RESEND = "second_factor.resend"
CODES_SENT_AT_MOST = 3
CODES_A_VISIT = 5  # nobody's phone is flooded from here


class SecondFactor(Step):
    """Sends a code, asks for it, lets central judge it."""

    name = "second_factor"
    section = "second_factor"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK, Outcome.GAVE_UP, Outcome.REFUSED})

    async def run(self, visit: Visit) -> Outcome:
        """Ask until the code is right, the codes are used up, or the resident goes another way."""
        if visit.session.challenge:
            return Outcome.DONE
        error: Text = NOTHING
        for sending in range(CODES_SENT_AT_MOST):
            if visit.codes_sent >= CODES_A_VISIT:
                return Outcome.GAVE_UP
            visit.codes_sent += 1
            challenge = await self._send(visit)
            if sending:
                error = error or text("second_factor.sent_again")
            while True:
                intent = await visit.stage.ask(_view(challenge, error), back=True)
                error = NOTHING
                if isinstance(intent, WentBack):
                    return Outcome.BACK
                if isinstance(intent, Chose) and intent.option == RESEND:
                    break
                if not isinstance(intent, Submitted) or not intent.complete:
                    continue
                answer = await self._judge(visit, challenge, dict(intent.values).get(CODE, ""))
                if answer is CodeVerdict.RIGHT:
                    visit.session.challenge = challenge.id
                    return Outcome.DONE
                error = text(f"second_factor.{answer.value}")
                if answer is not CodeVerdict.WRONG:
                    break
        return Outcome.GAVE_UP

    async def _send(self, visit: Visit) -> Challenge:
        person = visit.session.person
        if person is None:
            raise RuntimeError("no card was read")
        visit.stage.show(
            Progress(
                title=text("second_factor.sending"),
                stages=(ProgressStage(label=text("second_factor.to_phone"), state=StageState.RUNNING),),
            )
        )
        return await visit.stage.watch(visit.tools.gateway.send_code(visit.session.visit, visit.service.code, person))

    async def _judge(self, visit: Visit, challenge: Challenge, code: str) -> CodeVerdict:
        if len(code) != CODE_LENGTH or not code.isdigit():
            return CodeVerdict.WRONG
        answer = await visit.stage.watch(visit.tools.gateway.check_code(challenge.id, visit.session.visit, code))
        return answer.verdict


def _view(challenge: Challenge, error: Text) -> Form:
    return Form(
        title=text("second_factor.title"),
        lead=text("second_factor.lead", phone=plain(challenge.masked)),
        fields=(
            Field(
                id=CODE,
                label=text("second_factor.code"),
                kind=FieldKind.DIGITS,
                max_length=CODE_LENGTH,
                error=error,
            ),
        ),
        submit=text("second_factor.submit"),
        options=(Option(id=RESEND, title=text("second_factor.resend")),),
    )
