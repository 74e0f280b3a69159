"""The journeys before a service is chosen, and the query of a case: the same on every machine, in no package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.journey import Ending, Journey, Outcome
from kiosk.steps.ask_progress import AskProgress
from kiosk.steps.choose_language import ChooseLanguage

if TYPE_CHECKING:
    from kiosk.steps.choose_service import ChooseService


def welcome(services: ChooseService) -> Journey:
    """Return the first journey of a visit: language, then service."""
    return Journey(
        "welcome",
        (ChooseLanguage(), services),
        {
            ("choose_language", Outcome.DONE): "choose_service",
            ("choose_language", Outcome.BACK): Ending.ABANDONED,
            ("choose_service", Outcome.DONE): Ending.COMPLETED,
            ("choose_service", Outcome.BACK): "choose_language",
        },
    )


def only_services(services: ChooseService) -> Journey:
    """Return the journey of somebody who has chosen language and size before, or comes back from a service."""
    return Journey(
        "services",
        (services,),
        {
            ("choose_service", Outcome.DONE): Ending.COMPLETED,
            ("choose_service", Outcome.BACK): Ending.ABANDONED,
        },
    )


def query() -> Journey:
    """Return the journey behind the progress key."""
    return Journey(
        "query",
        (AskProgress(),),
        {
            ("ask_progress", Outcome.DONE): Ending.COMPLETED,
            ("ask_progress", Outcome.BACK): Ending.ABANDONED,
        },
    )
