"""Form values: what is right, what is wrong, and which fields apply."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.catalogue.model import FieldDef, FieldType, OptionDef, Phrase
from kiosk.catalogue.rules import Condition, RuleError
from kiosk.catalogue.values import applicable, default, fault, normalised, valid_resident_id

TODAY = date(2026, 11, 21)


def field(kind: FieldType, **more: object) -> FieldDef:
    options = (OptionDef(id="a", zh_CN="甲", en="A"), OptionDef(id="b", zh_CN="乙", en="B"))
    if kind in {FieldType.ENUM, FieldType.MULTI_ENUM}:
        more["options"] = options
    return FieldDef(id="t.x", label=Phrase(zh_CN="项", en="item"), type=kind, source="user", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "good", "bad", "says"),
    [
        (FieldType.MOBILE_CN, "13800000019", "12345678901", "form.mobile"),
        (FieldType.RESIDENT_ID, "999999195203070019", "999999195203070018", "form.resident_id"),
        (FieldType.NAME_CN, "测试·张老伯", "张", "form.name"),
        (FieldType.NAME_CN, "𠮷㛃", "张3", "form.name"),
        (FieldType.ENUM, "a", "c", "form.choice"),
        (FieldType.MULTI_ENUM, "a,b", "a,c", "form.choice"),
        (FieldType.BOOL, "no", "maybe", "form.missing.bool"),
        (FieldType.DATE, "2026-11-21", "2026-02-30", "form.date"),
        (FieldType.MONTH_RANGE, "2025-12/2026-11", "2026-11/2025-12", "form.months_order"),
        (FieldType.MONTH_RANGE, "2025-12/2026-11", "soon", "form.months"),
    ],
)
def test_each_kind_has_a_right_and_a_wrong_value(kind, good, bad, says):
    assert not fault(field(kind), normalised(field(kind), good), TODAY)
    assert fault(field(kind), normalised(field(kind), bad), TODAY).key == says


def test_limits_are_told_with_their_numbers():
    long_text = field(FieldType.LONG_TEXT, min=10, max=20)
    assert fault(long_text, "太短", TODAY).args == (("least", 10),)
    assert fault(long_text, "长" * 21, TODAY).args == (("most", 20),)
    assert fault(field(FieldType.DATE, max="today"), "2026-11-22", TODAY).key == "form.date_not_later"
    months = field(FieldType.MONTH_RANGE, max="this_month", max_months=12)
    assert fault(months, "2026-01/2026-12", TODAY).key == "form.months_future"
    assert fault(months, "2025-11/2026-11", TODAY).key == "form.months_span"


def test_an_empty_value_is_wrong_only_where_it_is_required():
    assert fault(field(FieldType.TEXT), "", TODAY).key == "form.missing.text"
    assert not fault(field(FieldType.TEXT, required=False), "", TODAY)


def test_the_last_twelve_months_end_with_this_one():
    assert default(field(FieldType.MONTH_RANGE, default="last 12 months"), TODAY) == "2025-12/2026-11"


def test_full_width_digits_and_blanks_of_a_phone_are_folded():
    assert normalised(field(FieldType.MOBILE_CN), " 138 ００００ 0019 ") == "13800000019"


def test_a_field_that_does_not_apply_counts_as_unanswered_for_later_ones():
    kind = FieldDef(
        id="f.kind",
        label=Phrase(zh_CN="类", en="kind"),
        type="enum",
        source="user",
        options=(OptionDef(id="a", zh_CN="甲", en="A"),),
    )
    anonymous = FieldDef(
        id="f.anon", label=Phrase(zh_CN="匿", en="anon"), type="bool", source="user", when="f.kind in [b]"
    )
    phone = FieldDef(
        id="f.phone", label=Phrase(zh_CN="电", en="phone"), type="mobile_cn", source="user", when="not f.anon"
    )
    applies = [found.id for found in applicable((kind, anonymous, phone), {"f.kind": "a", "f.anon": "yes"})]
    assert applies == ["f.kind", "f.phone"]


@pytest.mark.parametrize("source", ["", "a.b ==", "a.b in []", "a.b or c.d", "__import__('os')", "a.b == x; y"])
def test_a_condition_outside_the_language_is_refused(source):
    with pytest.raises(RuleError):
        Condition.parse(source)


@given(st.text(alphabet="0123456789X", min_size=18, max_size=18))
def test_one_wrong_digit_of_an_identity_number_is_always_seen(number):
    if not valid_resident_id(number, TODAY):
        return
    for at in range(17):
        changed = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
        assert not valid_resident_id(changed, TODAY)
