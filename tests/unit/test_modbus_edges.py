"""What turned between two looks: no press lost, none invented."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.modbus_edges import COUNTER_STEPS, MOST_PRESSES, Edges, change
from devices.sensors import Sensor, SensorChange

DOOR, HOT = Sensor.DOOR_OPEN, Sensor.TOO_HOT


@given(
    st.integers(min_value=0, max_value=COUNTER_STEPS - 1),
    st.booleans(),
    st.lists(st.lists(st.booleans(), max_size=MOST_PRESSES), max_size=8),
)
def test_counted_contact_is_told_as_it_turned_however_seldom_one_looks(
    count: int, closed: bool, looks: list[list[bool]]
) -> None:
    edges, told, turned = Edges({DOOR: closed}, {DOOR: count}, 0.0), [], []
    for states in looks:
        for state in states:
            if state != closed:
                turned.append(state)
                count = (count + state) % COUNTER_STEPS
                closed = state
        told += [edge for _, edge in edges.look({DOOR: closed}, {DOOR: count}, 0.0)]
    assert told == turned


def test_counter_that_begins_anew_is_no_press() -> None:
    edges = Edges({DOOR: False}, {DOOR: 1000}, 0.0)
    assert edges.look({DOOR: False}, {DOOR: 0}, 0.0) == []
    assert edges.look({DOOR: False}, {DOOR: 1}, 0.0) == [(DOOR, True), (DOOR, False)]


def test_counter_that_stands_still_does_not_hide_its_contact() -> None:
    edges = Edges({DOOR: False}, {DOOR: 0}, 0.0)
    assert edges.look({DOOR: True}, {DOOR: 0}, 0.0) == [(DOOR, True)]
    assert edges.look({DOOR: False}, {DOOR: 0}, 0.0) == [(DOOR, False)]


def test_contact_is_believed_once_it_has_stood_and_not_before() -> None:
    edges = Edges({DOOR: False, HOT: False}, {}, 0.3)
    assert edges.look({DOOR: True, HOT: False}, {}, 0.0) == []
    assert edges.look({DOOR: False, HOT: False}, {}, 0.2) == [], "it wiggled"
    assert edges.look({DOOR: True, HOT: True}, {}, 0.3) == []
    assert edges.look({DOOR: True, HOT: True}, {}, 0.6) == [(DOOR, True), (HOT, True)]
    assert edges.contacts == {DOOR: True, HOT: True}


def test_inverted_contact_is_open_while_its_sensor_is_on() -> None:
    assert change(DOOR, closed=False, inverted=True) == SensorChange(DOOR, on=True)
    assert change(DOOR, closed=False, inverted=False) == SensorChange(DOOR, on=False)
