"""A personal value cannot slip into text, a log or a file by accident."""

from __future__ import annotations

import copy
import io
import json
import pickle

import pytest

from devices.values import Pii, PiiWipedError
from kiosk.clock import ManualClock
from kiosk.event_log import EventLog
from kiosk.events import CardRead, DeviceChanged
from kiosk.masking import masked_id, masked_name, masked_phone
from kiosk.session import Session
from kiosk.views import Field, FieldKind, KnownField, ReviewRow, plain, text

NUMBER = "999999195203070019"


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 200_000])
def test_a_wiped_picture_leaves_no_byte_whatever_its_size(size):
    picture = bytearray(b"\x07" * size)
    Pii(picture).wipe()
    assert picture == bytes(size)


def test_a_personal_value_refuses_every_road_into_text():
    value = Pii(NUMBER)
    for road in (
        str,
        "{}".format,
        "{:>20}".format,
        lambda v: f"{v}",
        json.dumps,
        pickle.dumps,
        copy.copy,
        hash,
    ):
        with pytest.raises(TypeError):
            road(value)
    assert NUMBER not in repr(value)
    assert NUMBER not in repr({"number": value})


def test_a_wiped_value_is_gone_and_says_so():
    buffer = bytearray(b"picture")
    value = Pii(buffer)
    value.wipe()
    value.wipe()
    assert bytes(buffer) == bytes(7)
    with pytest.raises(PiiWipedError):
        value.reveal()


def test_the_event_log_refuses_a_personal_value():
    log = EventLog(ManualClock(), io.StringIO())
    with pytest.raises(TypeError, match="kind"):
        log.emit(CardRead(visit="v", kind=Pii("x")))  # type: ignore[arg-type]


def test_an_event_is_one_json_line_with_the_time():
    stream = io.StringIO()
    EventLog(ManualClock(), stream).emit(DeviceChanged(device="d", state="fault", conditions=("paper_out",), detail=""))
    record = json.loads(stream.getvalue())
    assert record["event"] == "DeviceChanged"
    assert record["conditions"] == ["paper_out"]
    assert record["at"].startswith("2026-11-21T02:00:00")


def test_what_a_view_carries_for_the_glass_stays_out_of_its_repr():
    shown = [
        Field(id="x", label=text("a"), kind=FieldKind.TEXT, value=NUMBER),
        KnownField(label=text("a"), value=NUMBER, source=text("b")),
        ReviewRow(label=text("a"), value=plain(NUMBER)),
        text("a", name=plain(NUMBER)),
    ]
    assert NUMBER not in repr(shown)


def test_the_wipe_of_a_session_reaches_every_value():
    session = Session()
    session.values["a"] = first = Pii("x")
    session.known["b"] = second = Pii("y")
    session.document = third = Pii(bytearray(b"pdf"))
    session.wipe()
    session.wipe()
    for value in (first, second, third):
        with pytest.raises(PiiWipedError):
            value.reveal()
    assert not session.values
    assert session.wiped


def test_masks_keep_what_a_person_needs_to_recognise_and_no_more():
    assert masked_name("测试·张老伯") == "测**"
    assert masked_id(NUMBER) == "9999**********0019"
    assert masked_phone("13800000019") == "138****0019"
    assert masked_phone("123") == "***"
    assert masked_name("") == "**"
