"""Row 1: language and size, each in its own script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.intents import Chose, SwitchedLanguage, SwitchedMode, WentBack
from kiosk.journey import Outcome, Step
from kiosk.views import Choice, Language, Mode, Option, plain, text

if TYPE_CHECKING:
    from kiosk.visit import Visit

WAYS = {
    "zh_CN": (Language.ZH_CN, Mode.NORMAL, "中文", "普通字号"),
    "zh_CN.large": (Language.ZH_CN, Mode.ELDER, "中文 · 大字版", "字更大，一屏一问，时间加倍"),
    "en": (Language.EN, Mode.NORMAL, "English", "Normal size"),
    "en.large": (Language.EN, Mode.ELDER, "English · Large type", "Larger, one question a screen, twice the time"),
}


class ChooseLanguage(Step):
    """The choice is forgotten at the end of the visit."""

    name = "choose_language"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK})

    async def run(self, visit: Visit) -> Outcome:
        """Wait for one tap."""
        view = Choice(
            title=text("choose_language.title"),
            lead=text("choose_language.lead"),
            options=tuple(
                Option(
                    id=way,
                    title=plain(name),
                    detail=plain(detail),
                    icon="large_type" if mode is Mode.ELDER else "language",
                )
                for way, (_, mode, name, detail) in WAYS.items()
            ),
        )
        while True:
            intent = await visit.stage.ask(view, back=True)
            if isinstance(intent, WentBack):
                return Outcome.BACK
            if isinstance(intent, Chose) and intent.option in WAYS:
                language, mode, _, _ = WAYS[intent.option]
                visit.stage.post(SwitchedLanguage(intent.turn, language))
                visit.stage.post(SwitchedMode(intent.turn, mode))
                return Outcome.DONE
