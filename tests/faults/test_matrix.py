"""The fault matrix: a sample that meets each fault and each moment of each device, and pairs of faults by seed."""

from __future__ import annotations

import logging
import random

import pytest

from devices.errors import DeviceCode
from devices.health import Condition
from devices.roles import PORTS
from tests.faults.__main__ import PAIRS
from tests.faults.bench import play
from tests.faults.closed_sets import CODES, CODES_OF_NO_ROLE, CONDITIONS, CONDITIONS_OF_NO_ROLE
from tests.faults.matrix import DEVICES, Run, cells, packages, pair, parse, roles, sampled
from tests.faults.oracle import end_of, faults_of
from tests.faults.page import PAGE, text

SEED = 20261121
SAMPLE = 330
PAIRS_HERE = 40
BATCHES = 10  # tests, so that several workers share them


def judged(run: Run) -> str:
    bench = play(run)
    problems = faults_of(bench)
    again = f"make faults SEED={run.seed}" if run.seed else f"make faults CELL={run.id}"
    return "\n".join([*bench.story.trace, f"{run.id}: {end_of(bench)}", *problems, again]) if problems else ""


@pytest.fixture(autouse=True)
def _planted_faults_are_no_news():
    log = logging.getLogger("devices")
    level = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(level)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_visit_under_one_fault_ends_as_it_has_to(batch):
    sample = sampled(cells(), SAMPLE, SEED)
    wrong = [told for cell in sample[batch::BATCHES] if (told := judged(Run((cell,))))]
    assert not wrong, "\n\n".join(wrong)


def test_a_visit_under_two_faults_loses_nothing():
    luck = random.Random(SEED)  # noqa: S311 - the same choice each time
    seeds = [luck.randrange(1, 10**6) for _ in range(PAIRS_HERE)]
    wrong = [told for seed in seeds if (told := judged(pair(seed)))]
    assert not wrong, "\n\n".join(wrong)


# -- the matrix leaves nothing out


def test_every_code_and_every_condition_is_some_roles():
    assert set().union(*CODES.values()) | set(CODES_OF_NO_ROLE) == set(DeviceCode)
    assert set().union(*CONDITIONS.values()) | set(CONDITIONS_OF_NO_ROLE) == set(Condition)
    assert set(CODES) == set(CONDITIONS) == set(PORTS)


def test_every_device_a_service_uses_has_a_machine_on_the_bench():
    assert {role for package in packages() for role in roles(package)} <= DEVICES


def test_the_sample_meets_each_fault_and_moment_of_each_role():
    everything, chosen = cells(), sampled(cells(), SAMPLE, SEED)
    for marks in (lambda one: (one.service, one.role, one.fault), lambda one: (one.service, one.role, one.moment)):
        assert {marks(cell) for cell in chosen} == {marks(cell) for cell in everything}
    assert len({cell.id for cell in everything}) == len(everything)


def test_a_cell_and_a_pair_are_found_again_by_their_names():
    luck = random.Random(SEED)  # noqa: S311 - the same choice each time
    for run in (Run((luck.choice(cells()),)), pair(7), pair(8), pair(9)):
        assert parse(run.id).id == run.id
    assert pair(7) == pair(7)


def test_a_visit_without_any_fault_goes_well_in_every_service():
    """A fault that never strikes: the last moment of the last device."""
    for package in packages():
        cell = next(one for one in cells() if one.service == package.code and one.moment == "goodbye")
        assert not judged(Run((cell,)))


def test_the_page_is_what_the_matrix_says():
    assert PAGE.read_text(encoding="utf-8") == text(PAIRS), "stale: run python -m tests.faults --page"
