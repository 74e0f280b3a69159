"""A tile that is closed says why, in every language: no reason without words."""

from __future__ import annotations

import pytest

from kiosk.texts import resolve
from kiosk.views import Language, text
from offline_queue.values import AdmissionReason


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("reason", list(AdmissionReason))
def test_reason_against_taking_in_has_words(reason: AdmissionReason, language: Language) -> None:
    key = f"obstacle.{reason.value}"
    said = resolve(text(key), language)
    assert said
    assert key not in said
