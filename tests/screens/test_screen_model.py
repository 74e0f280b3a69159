"""The way from a scene to the glass and back: turns, updates in place, what is typed, forgetting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from kiosk.intents import (
    Agreed,
    AskedHelp,
    Chose,
    Declined,
    Submitted,
    SwitchedLanguage,
    SwitchedMode,
    Touched,
    WentBack,
    WentHome,
)
from kiosk.views import Choice, Field, FieldKind, Form, Language, Mode, Option, Scene, View, plain
from screens.fixtures import FIXTURES
from screens.fixtures.filling import NAME, PHONE, PURPOSE
from screens.fixtures.fixture import EVERY_KEY, say
from screens.gallery import PORTRAIT
from screens.models.screen_model import ScreenModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtGui import QGuiApplication

    from kiosk.intents import Intent
    from screens.gallery import Gallery

NEXT = say("下一步", "Next")
EMPTY_NAME = replace(NAME, value="")
FORM = Form(title=plain("表"), fields=(EMPTY_NAME, PURPOSE), submit=NEXT)


def scene(view: View, turn: int = 1, language: Language = Language.ZH_CN) -> Scene:
    return Scene(turn=turn, view=view, language=language, mode=Mode.NORMAL, keys=EVERY_KEY)


@pytest.fixture
def sent() -> list[Intent]:
    return []


@pytest.fixture
def model(qapp: QGuiApplication, sent: list[Intent]) -> Iterator[ScreenModel]:
    model = ScreenModel(sent.append, qapp)
    yield model
    model.deleteLater()


@pytest.fixture
def form(gallery: Gallery) -> Gallery:
    """Show the form on glass, nothing typed yet."""
    gallery.window.resize(PORTRAIT)
    gallery.window.show()
    gallery.model.show(scene(FIXTURES["goodbye_cleared"].view, turn=900))
    gallery.model.show(scene(FORM, turn=901))
    gallery.settle()
    gallery.sent.clear()
    return gallery


def type_in(gallery: Gallery, words: str) -> None:
    for letter in words:
        QTest.keyClick(gallery.window, letter)
    gallery.settle()


def typed(gallery: Gallery, words: str) -> None:
    gallery.tap("联系人姓名")
    type_in(gallery, words)


def answers(gallery: Gallery) -> list[Intent]:
    return [intent for intent in gallery.sent if not isinstance(intent, Touched)]


def test_each_slot_sends_its_intent_with_the_turn_shown(model: ScreenModel, sent: list[Intent]) -> None:
    model.show(scene(FORM, turn=7))

    model.touched()
    model.choose("a")
    model.submit({"name": "x"}, True)
    model.agree()
    model.decline()
    model.back()
    model.leave()
    model.help()
    model.setLanguage("en")
    model.setElder(True)

    assert sent == [
        Touched(7),
        Chose(7, "a"),
        Submitted(7, (("name", "x"),), complete=True),
        Agreed(7),
        Declined(7),
        WentBack(7),
        WentHome(7),
        AskedHelp(7),
        SwitchedLanguage(7, Language.EN),
        SwitchedMode(7, Mode.ELDER),
    ]


def test_nothing_is_sent_before_the_first_scene_and_after_a_wipe(model: ScreenModel, sent: list[Intent]) -> None:
    model.agree()
    model.show(scene(FORM))
    model.wipe()
    model.agree()

    assert sent == []


def test_a_touch_on_the_old_question_carries_the_old_turn(form: Gallery) -> None:
    form.tap("下一步")
    form.model.show(scene(FORM, turn=902))
    form.settle()
    form.tap("下一步")

    assert [intent.turn for intent in answers(form)] == [901, 902]


def test_an_update_of_the_same_question_keeps_what_was_typed_and_the_focus(form: Gallery) -> None:
    typed(form, "qinghe")
    update = replace(FORM, fields=(replace(EMPTY_NAME, error=plain("再看一眼")), PURPOSE))

    form.model.show(scene(update, turn=901))
    form.settle()
    type_in(form, "!")
    form.tap("下一步")

    (answer,) = answers(form)
    assert isinstance(answer, Submitted)
    assert dict(answer.values)["name"] == "qinghe!"


def test_a_field_that_appears_leaves_the_others_as_they_were(form: Gallery) -> None:
    typed(form, "qinghe")
    other = Field(id="other", label=plain("请说明"), kind=FieldKind.TEXT)

    form.model.show(scene(replace(FORM, fields=(EMPTY_NAME, other, PURPOSE)), turn=901))
    form.settle()
    type_in(form, "2")
    form.tap("下一步")

    (answer,) = answers(form)
    assert isinstance(answer, Submitted)
    assert answer.values == (("name", "qinghe2"), ("other", ""), ("purpose", "school"))


def test_a_value_the_core_changed_wins(form: Gallery) -> None:
    typed(form, "qinghe")

    form.model.show(scene(replace(FORM, fields=(replace(EMPTY_NAME, value="李青禾"), PURPOSE)), turn=901))
    form.settle()
    form.tap("下一步")

    (answer,) = answers(form)
    assert isinstance(answer, Submitted)
    assert dict(answer.values)["name"] == "李青禾"


def test_a_new_question_with_the_same_fields_begins_empty(form: Gallery) -> None:
    typed(form, "qinghe")

    form.model.show(scene(FORM, turn=902))
    form.settle()
    form.tap("下一步")

    (answer,) = answers(form)
    assert isinstance(answer, Submitted)
    assert dict(answer.values)["name"] == ""


def test_switching_the_language_keeps_what_was_typed_and_speaks_at_once(form: Gallery) -> None:
    typed(form, "qinghe")

    form.tap("English")
    form.settle()
    form.tap("Next")

    language, answer = answers(form)
    assert language == SwitchedLanguage(901, Language.EN)
    assert isinstance(answer, Submitted)
    assert dict(answer.values)["name"] == "qinghe"


def test_a_choice_is_sent_at_once_because_it_may_change_the_form(form: Gallery) -> None:
    form.tap("贷款")

    (answer,) = answers(form)
    assert answer == Submitted(901, (("name", ""), ("purpose", "loan")), complete=False)


def test_every_touch_is_heard(form: Gallery) -> None:
    form.tap("下一步")

    assert form.sent[0] == Touched(901)


def test_a_number_can_be_entered_with_the_pad_and_with_a_keyboard(form: Gallery) -> None:
    form.model.show(scene(Form(title=plain("表"), fields=(replace(PHONE, value=""),), submit=NEXT), turn=903))
    form.settle()

    form.tap("1")
    form.tap("3")
    form.tap("手机号")
    form.tap("下一步")

    (answer,) = answers(form)
    assert answer == Submitted(903, (("phone", "13"),), complete=True)


def test_a_low_grade_asks_why_and_sends_the_reasons(gallery: Gallery) -> None:
    gallery.show(FIXTURES["rating_low"], Language.ZH_CN, PORTRAIT)
    gallery.sent.clear()

    gallery.tap("看不懂")
    gallery.tap("提交评价")

    (answer,) = answers(gallery)
    assert isinstance(answer, Submitted)
    assert answer.values == (("grade", "2"), ("reasons", "slow,hard"))


def test_searching_sends_each_letter_and_an_update_keeps_the_place(gallery: Gallery) -> None:
    view = Choice(title=plain("办什么"), options=(Option(id="one", title=plain("一")),), searchable=True)
    gallery.model.show(scene(view, turn=910))
    gallery.settle()
    gallery.sent.clear()

    gallery.tap("查找事项")
    type_in(gallery, "z")
    gallery.model.show(scene(replace(view, query="z", options=()), turn=910))
    gallery.settle()
    type_in(gallery, "m")
    QTest.keyClick(gallery.window, Qt.Key.Key_Return)

    assert answers(gallery) == [
        Submitted(910, (("query", "z"),), complete=False),
        Submitted(910, (("query", "zm"),), complete=False),
        Submitted(910, (("query", "zm"),), complete=True),
    ]


def test_a_fresh_view_makes_the_others_forget(model: ScreenModel) -> None:
    model.show(scene(FIXTURES["review"].view, turn=1))
    model.show(scene(FIXTURES["form_contact"].view, turn=2))
    review, filled = model.views.review, model.views.form
    assert review.rows.count == 0

    model.wipe()
    assert (filled.fields.count, filled.title, model.viewKind) == (0, "", "")


def test_the_keys_that_do_not_work_now_are_not_there(gallery: Gallery) -> None:
    gallery.show(FIXTURES["progress_sending"], Language.ZH_CN, PORTRAIT)
    with pytest.raises(LookupError):
        gallery.tap("返回")
