"""A journey's table finds its own mistakes before a resident does."""

from __future__ import annotations

import pytest

from kiosk.errors import JourneyError
from kiosk.journey import Ending, Journey, Outcome, Place, Step


def step(name: str, *outcomes: Outcome, section: str = "") -> Step:
    made = type(name, (Step,), {"run": None, "__abstractmethods__": frozenset()})()
    made.name, made.section, made.outcomes = name, section, frozenset(outcomes or {Outcome.DONE})
    return made


DONE = Outcome.DONE


@pytest.mark.parametrize(
    ("steps", "routes", "says"),
    [
        ((step("a", DONE, Outcome.BACK),), {("a", DONE): Ending.COMPLETED}, "a: outcome back leads nowhere"),
        ((step("a"),), {("a", DONE): "b"}, "leads to unknown step b"),
        ((step("a"), step("b")), {("a", DONE): Ending.COMPLETED, ("b", DONE): Ending.COMPLETED}, "b cannot be reached"),
        ((step("a"), step("b")), {("a", DONE): "b", ("b", DONE): "a"}, "no end can be reached"),
        ((step("a"),), {("a", DONE): Ending.COMPLETED, ("a", Outcome.BACK): "a"}, "which the step does not declare"),
        ((step("a"), step("a")), {("a", DONE): Ending.COMPLETED}, "stands twice"),
        ((step("a"),), {("a", DONE): Ending.COMPLETED, ("z", DONE): "a"}, "route from unknown step z"),
    ],
)
def test_a_faulty_table_is_refused_when_it_is_made(steps, routes, says):
    with pytest.raises(JourneyError, match=says):
        Journey("test", steps, routes)


def test_the_place_counts_sections_not_steps():
    steps = (step("a", section="one"), step("b", section="two"), step("c", section="two"), step("d"))
    routes = {("a", DONE): "b", ("b", DONE): "c", ("c", DONE): "d", ("d", DONE): Ending.COMPLETED}
    journey = Journey("test", steps, routes)
    assert [journey.place(name) for name in "abcd"] == [Place(1, 2), Place(2, 2), Place(2, 2), None]
    assert "c -- done --> d" in journey.to_mermaid()
