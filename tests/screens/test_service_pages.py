"""The technician's pages: a PIN is never drawn nor read out, no colour stands alone, residents see no staff number."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtGui import QAccessible

from kiosk import texts
from kiosk.intents import Chose, Submitted
from kiosk.views import Colour, Language, Maintenance, MaintenancePage, text
from screens.fixtures import FIXTURES
from screens.fixtures.service_state import SECTIONS
from screens.fixtures.servicing import PROMISED, WHO
from screens.gallery import NAME, PORTRAIT
from screens.models.servicing import SHAPES

if TYPE_CHECKING:
    from screens.fixtures import Fixture
    from screens.gallery import Gallery

DRAWINGS = Path("screens") / "qml" / "Tongban" / "controls" / "RepairPicture.qml"
REPAIRS = Path("config") / "repairs"
SPOKEN = (NAME, QAccessible.Text.Description, QAccessible.Text.Value)


def heard(gallery: Gallery) -> str:
    return "\n".join(one.text(kind) for one, _ in gallery.named() for kind in SPOKEN)


def drawn(gallery: Gallery) -> str:
    return "\n".join(str(item.property("text")) for item in gallery.items() if item.inherits("QQuickText"))


def typed(gallery: Gallery) -> dict[str, str]:
    model: Any = gallery.model
    return dict(model.views.maintenance.values())


def shown(gallery: Gallery, fixture: Fixture, view: Maintenance) -> None:
    gallery.show(replace(fixture, view=view, taps=()), Language.ZH_CN, PORTRAIT)


def page(name: str) -> Maintenance:
    view = FIXTURES[name].view
    assert isinstance(view, Maintenance)
    return view


def test_a_pin_is_dots_on_the_glass_silent_to_a_screen_reader_and_whole_to_the_core(gallery: Gallery) -> None:
    gallery.show(replace(FIXTURES["service_sign_on"], taps=()), Language.ZH_CN, PORTRAIT)
    gallery.sent.clear()

    for digit in "519203":
        gallery.tap(digit)
        gallery.settle()

    assert "●●●●●●" in drawn(gallery)
    assert "519203" not in drawn(gallery).replace(" ", "") + heard(gallery).replace(" ", "")
    gallery.tap("进入")
    submitted = [intent for intent in gallery.sent if isinstance(intent, Submitted)]
    assert [dict(intent.values) for intent in submitted] == [{"number": "20261142", "pin": "519203"}]
    assert "519203" not in repr(submitted)


def test_a_pin_is_gone_with_its_page(gallery: Gallery) -> None:
    gallery.show(replace(FIXTURES["service_sign_on"], taps=(("5", "5"),)), Language.ZH_CN, PORTRAIT)
    assert typed(gallery)["pin"] == "5"

    gallery.show(FIXTURES["service_waiting"], Language.ZH_CN, PORTRAIT)
    assert typed(gallery) == {}

    gallery.show(replace(FIXTURES["service_sign_on"], taps=()), Language.ZH_CN, PORTRAIT)
    assert typed(gallery)["pin"] == ""


def test_the_pad_opens_at_the_first_number_that_is_still_to_be_typed(gallery: Gallery) -> None:
    view = page("service_sign_on")
    empty = tuple(replace(field, value="") for field in view.fields)

    for fields, wanted in ((view.fields, "pin"), (empty, "number")):
        shown(gallery, FIXTURES["service_sign_on"], replace(view, fields=fields))
        gallery.tap("7")
        gallery.settle()
        assert typed(gallery)[wanted] == "7"


def test_residents_see_until_when_and_where_else_but_no_staff_number(gallery: Gallery) -> None:
    shown(gallery, FIXTURES["service_waiting"], replace(page("service_waiting"), who=WHO))

    said = heard(gallery)
    assert texts.resolve(PROMISED, Language.ZH_CN) in said
    assert "12345" in said
    assert "T-0417" not in said + drawn(gallery)


@pytest.mark.parametrize("colour", Colour)
def test_no_colour_stands_alone(gallery: Gallery, colour: Colour) -> None:
    devices = next(one for one in SECTIONS if one.id == "devices")
    rows = tuple(replace(row, colour=colour) for row in devices.rows)
    view = replace(page("service_devices"), sections=(replace(devices, rows=rows),))
    shown(gallery, FIXTURES["service_devices"], view)

    word = texts.resolve(text(f"colour.{colour}"), Language.ZH_CN)
    assert drawn(gallery).split("\n").count(word) == len(rows)
    marks = [item for item in gallery.items() if item.metaObject().className().startswith("ToneMark")]
    assert {item.property("tone") for item in marks} == {SHAPES[colour]}
    outlines = {item.property("outline") for item in marks}
    assert len(outlines) == 1


def test_every_colour_has_a_shape_of_its_own(gallery: Gallery) -> None:
    gallery.show(FIXTURES["service_overview"], Language.ZH_CN, PORTRAIT)

    marks = [item for item in gallery.items() if item.metaObject().className().startswith("ToneMark")]
    outlines = {item.property("tone"): item.property("outline") for item in marks}
    assert outlines.keys() == set(SHAPES.values())
    assert len(set(outlines.values())) == len(outlines)


@pytest.mark.parametrize("language", Language)
def test_every_section_and_every_work_can_be_chosen_by_its_name(gallery: Gallery, language: Language) -> None:
    view = page("service_overview")
    gallery.show(FIXTURES["service_overview"], language, PORTRAIT)
    gallery.sent.clear()

    titles = {one.id: one.title for one in view.sections} | {one.id: one.title for one in view.options}
    names = [texts.resolve(title, language) for title in titles.values()]
    assert len(set(names)) == len(names)
    for name in names:
        gallery.tap(name)
    chosen = [intent.option for intent in gallery.sent if isinstance(intent, Chose)]
    assert chosen == list(titles)


def test_a_section_as_a_key_says_all_its_lines(gallery: Gallery) -> None:
    gallery.show(FIXTURES["service_overview"], Language.EN, PORTRAIT)

    key = next(one for one, _ in gallery.named() if one.text(NAME) == "Supplies")
    said = key.text(QAccessible.Text.Description)
    assert "A4 sheets: 0 of 500, lasts 0 days" in said
    assert "Not in order" in said


def test_a_line_that_opens_is_a_key_and_others_are_not(gallery: Gallery) -> None:
    view = page("service_devices")
    section = view.sections[0]
    rows = (replace(section.rows[0], opens=True), *section.rows[1:])
    shown(gallery, FIXTURES["service_devices"], replace(view, sections=(replace(section, rows=rows),)))
    gallery.sent.clear()

    gallery.tap("身份证阅读器")

    assert [intent.option for intent in gallery.sent if isinstance(intent, Chose)] == ["id_reader"]
    keys = [one.text(NAME) for one, _ in gallery.named() if one.role() == QAccessible.Role.Button]
    assert "摄像头" not in keys


def test_what_runs_stays_in_sight_however_many_tests_there_are(gallery: Gallery) -> None:
    view = page("service_tests")
    stages = tuple(stage for _ in range(3) for stage in replace(view, stages=view.stages[:5]).stages)
    view = replace(view, stages=(*stages, view.stages[5], *stages))
    shown(gallery, FIXTURES["service_tests"], view)

    running = texts.resolve(view.stages[len(stages)].label, Language.ZH_CN)
    row = next(item for item in gallery.items() if item.inherits("QQuickText") and item.property("text") == running)
    middle = row.mapToScene(row.boundingRect().center()).y()
    assert 0 < middle < PORTRAIT.height() * 0.9


def test_every_page_has_a_picture_here() -> None:
    pages = {one.view.page for one in FIXTURES.values() if isinstance(one.view, Maintenance)}
    assert pages == set(MaintenancePage)


def test_every_repair_step_has_its_drawing() -> None:
    drawings = set(re.findall(r'^ +"(\w+)": \["', DRAWINGS.read_text(encoding="utf-8"), re.MULTILINE))
    repairs = [tomllib.loads(path.read_text(encoding="utf-8")) for path in REPAIRS.glob("*.toml")]
    wanted = {step["picture"] for repair in repairs for step in repair["step"]}

    assert wanted
    assert wanted - drawings == set()
    assert drawings - wanted == set()
