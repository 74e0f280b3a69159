"""Slips: what an 80 mm paper says. Chinese always, the resident's other language below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.values import Align, Slip, SlipCode, SlipRule, SlipText
from kiosk.phrases import local, said_day
from kiosk.texts import resolve
from kiosk.views import Language, Text, text

if TYPE_CHECKING:
    from kiosk.visit import Visit


def ticket_slip(visit: Visit, code: str) -> Slip:
    """Return the slip of a case: *taken in* or *received*, its number, how to ask about it. No name, no content.

    ``code`` is the text of its QR code: signed, see ``slip_code.py``, or the plain number.
    """
    case = visit.case
    if case is None:
        raise ValueError("a slip needs a case")
    received = visit.online
    at = local(visit.tools.settings.terminal, visit.tools.clock.now()).strftime("%Y-%m-%d %H:%M")
    kiosk = visit.tools.settings.terminal
    lines: list[SlipText | SlipCode | SlipRule] = []
    for language in _languages(visit):
        if lines:
            lines.append(SlipRule())

        def said(words: Text, language: Language = language) -> str:
            return resolve(words, language)

        lines += [
            SlipText(said(text("slip.received" if received else "slip.taken_in")), 2, bold=True, align=Align.CENTRE),
            SlipText(said(visit.service.title.text()), align=Align.CENTRE),
            SlipRule(),
            SlipText(said(text("slip.number"))),
            SlipText(case.local_number, 2, bold=True, align=Align.CENTRE),
            SlipText(said(text("slip.at", at=at))),
            SlipText(
                said(text("slip.machine", name=kiosk.name.zh_CN if language is Language.ZH_CN else kiosk.name.en))
            ),
        ]
        decision = visit.decision
        if decision is not None and decision.case_number:
            lines.append(SlipText(said(text("slip.case_number_is", number=decision.case_number))))
        if decision is not None and decision.promise is not None:
            lines.append(SlipText(said(text("slip.promise_is", day=said_day(decision.promise)))))
        lines += [
            SlipText(said(text("slip.received_means" if received else "slip.taken_in_means"))),
            SlipText(said(text("slip.ask", phone=kiosk.help_phone))),
        ]
    # A blank line on each side: readers ask for four modules of white around a code (ISO/IEC 18004, 6.3.8).
    lines += [SlipText(""), SlipCode(code), SlipText(""), SlipText(case.local_number, align=Align.CENTRE)]
    return Slip(tuple(lines))


def _languages(visit: Visit) -> tuple[Language, ...]:
    chosen = visit.stage.language
    return (Language.ZH_CN,) if chosen is Language.ZH_CN else (Language.ZH_CN, chosen)
