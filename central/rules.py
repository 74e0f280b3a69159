"""Business rules of a decision, apart from files and time: what is refused, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.packages import DATA_CONSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.bodies import CaseBody
    from central.packages import Package

FULL_IDENTITY: Final = "card+face+sms"
MATCH: Final = "match"

REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "identity_insufficient": {
        "zh_CN": "身份核验未达到本事项的要求，请重新核验或到窗口办理。",
        "en": "Your identity was not proved as this service requires. Please try again or go to a window.",
    },
    "consent_missing": {
        "zh_CN": "没有您的查询授权，不能出具证明。",
        "en": "Without your consent to look up your record no certificate can be made.",
    },
    "values_invalid": {
        "zh_CN": "申请内容不完整，请重新填写。",
        "en": "Something in the application is missing. Please fill it in again.",
    },
    "person_unknown": {
        "zh_CN": "登记库中没有与证件一致的人员，请到窗口核对。",
        "en": "The register has nobody with the name and number on your card. Please ask at a window.",
    },
    "no_record": {
        "zh_CN": "您在本市没有参保记录，请向参保地查询。",
        "en": "You have no insurance record in this city. Please ask where you were insured.",
    },
    "glyph_missing": {
        "zh_CN": "姓名中有本系统暂时不能印刷的字，请到窗口办理。",
        "en": "Your name has a character this system cannot print yet. Please go to a window.",
    },
    "too_long": {
        "zh_CN": "所选期间的参保记录超过三页，请缩短期间后重新申请。",
        "en": "Your record for this period needs more than three pages. Please choose a shorter period.",
    },
    "service_paused": {"zh_CN": "本事项暂停办理。", "en": "This service is paused."},
    "register_down": {
        "zh_CN": "社会保险登记库暂时无法查询，请稍后再来或到窗口办理。",
        "en": "The social insurance register cannot be asked right now. Please come back later or go to a window.",
    },
    "service_unknown": {"zh_CN": "没有这个事项。", "en": "There is no such service."},
    "version_unknown": {"zh_CN": "事项已更新，请重新开始。", "en": "The service was updated. Please begin again."},
}


def identity_proved(case: CaseBody, *, sms_answered: bool) -> bool:
    """Tell whether card, live face and the phone on file speak for the same person in this visit."""
    identity = case.identity
    return (
        identity.level == FULL_IDENTITY
        and identity.card is not None
        and identity.face is not None
        and identity.face.verdict == MATCH
        and sms_answered
    )


def consented(package: Package, case: CaseBody) -> bool:
    """Tell whether the person agreed to what the service asks of registers."""
    return not package.asks_register or any(consent.id == DATA_CONSENT for consent in case.consents)
