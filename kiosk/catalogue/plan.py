"""From a package to its journey: no service has code of its own."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from kiosk.catalogue.model import Identity
from kiosk.journey import Ending, Journey, Outcome, Step, Target
from kiosk.steps.apologise import Apologise
from kiosk.steps.consent_data import ConsentData
from kiosk.steps.consent_face import ConsentFace
from kiosk.steps.decide import Decide
from kiosk.steps.explain import Explain
from kiosk.steps.fill_form import FillForm
from kiosk.steps.give_slip import GiveSlip
from kiosk.steps.look_up import LookUp
from kiosk.steps.match_face import MatchFace
from kiosk.steps.other_ways import OtherWays
from kiosk.steps.print_document import PrintDocument
from kiosk.steps.rate import Rate
from kiosk.steps.read_card import ReadCard
from kiosk.steps.review import Review
from kiosk.steps.say_no import SayNo
from kiosk.steps.second_factor import SecondFactor
from kiosk.steps.submit import Submit

if TYPE_CHECKING:
    from kiosk.catalogue.model import Package
    from kiosk.settings import FaceSettings

Routes = dict[tuple[str, Outcome], Target]


def plan(package: Package, face: FaceSettings) -> Journey:
    """Return the journey of ``package``. Raises ``JourneyError`` when the parts do not fit: a bug."""
    steps: list[Step] = [Explain()]
    routes: Routes = {("explain", Outcome.BACK): Ending.ABANDONED}
    if package.identity is not Identity.NONE:
        _identify(package, face, steps, routes)
    if package.consents:
        steps += [ConsentData(), LookUp(), OtherWays("no_data", "fill_form")]
        routes |= {
            ("consent_data", Outcome.DONE): "look_up",
            ("consent_data", Outcome.DECLINED): "no_data",
            ("no_data", Outcome.BACK): "consent_data",
            ("no_data", Outcome.DONE): Ending.ABANDONED,
            ("look_up", Outcome.REFUSED): "say_no",
        }
    steps += [FillForm(), Review(), Submit()]
    routes |= {
        ("fill_form", Outcome.BACK): "explain",
        ("fill_form", Outcome.DONE): "review",
        ("review", Outcome.BACK): "fill_form",
        ("review", Outcome.EDIT): "fill_form",
        ("review", Outcome.DONE): "submit",
        ("submit", Outcome.REFUSED): "say_no",
    }
    _finish(package, steps, routes)
    order = [step.name for step in steps if step.name not in SIDE_STEPS]
    declared = {step.name: step.outcomes for step in steps}
    for name, following in pairwise(order):
        if Outcome.DONE in declared[name]:
            routes.setdefault((name, Outcome.DONE), following)
    return Journey(package.code, tuple(steps), routes)


SIDE_STEPS = frozenset({"no_card", "no_face", "no_code", "no_data", "say_no", "apologise", "give_slip"})


def _identify(package: Package, face: FaceSettings, steps: list[Step], routes: Routes) -> None:
    steps += [ReadCard(), OtherWays("no_card", "read_card")]
    routes |= {
        ("read_card", Outcome.BACK): "explain",
        ("read_card", Outcome.DECLINED): "no_card",
        ("read_card", Outcome.GAVE_UP): "no_card",
        ("read_card", Outcome.REFUSED): "say_no",
        ("no_card", Outcome.BACK): "read_card",
        ("no_card", Outcome.DONE): Ending.ABANDONED,
    }
    if package.identity is not Identity.CARD_FACE:
        return
    steps += [ConsentFace(), MatchFace(), OtherWays("no_face", "match_face")]
    routes |= {
        ("consent_face", Outcome.DECLINED): "no_face",
        ("match_face", Outcome.BACK): "consent_face",
        ("match_face", Outcome.DECLINED): "no_face",
        ("match_face", Outcome.GAVE_UP): "no_face",
        ("no_face", Outcome.BACK): "consent_face",
        ("no_face", Outcome.DONE): Ending.ABANDONED,
    }
    if face.second_factor != "none":
        steps += [SecondFactor(), OtherWays("no_code", "second_factor")]
        routes |= {
            ("second_factor", Outcome.BACK): "consent_face",
            ("second_factor", Outcome.GAVE_UP): "no_code",
            ("second_factor", Outcome.REFUSED): "say_no",
            ("no_code", Outcome.BACK): "second_factor",
            ("no_code", Outcome.DONE): Ending.ABANDONED,
        }


def _finish(package: Package, steps: list[Step], routes: Routes) -> None:
    """Add what follows the submission: decision, document, a slip for what is not decided here, rating."""
    steps.append(Decide())
    printed = any(output.paper == "A4" for output in package.outputs)
    if printed:
        steps.append(PrintDocument())
        routes[("print_document", Outcome.DONE)] = "rate"
    steps += [GiveSlip(), Rate(), SayNo(), Apologise()]
    routes |= {
        ("submit", Outcome.TAKEN_IN): "give_slip",
        ("submit", Outcome.OFFLINE): "apologise",
        ("decide", Outcome.HAS_DOCUMENT): "print_document" if printed else "give_slip",
        ("decide", Outcome.PENDING): "give_slip",
        ("decide", Outcome.REFUSED): "say_no",
        ("give_slip", Outcome.DONE): "rate",
        ("rate", Outcome.DONE): Ending.COMPLETED,
        ("rate", Outcome.TAKEN_IN): Ending.TAKEN_IN,
        ("say_no", Outcome.DONE): Ending.REFUSED,
        ("apologise", Outcome.DONE): Ending.FAILED,
        ("apologise", Outcome.BACK): "submit",
    }
