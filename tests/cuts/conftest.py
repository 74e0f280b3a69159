"""Recordings made once for all tests of a process, and a judge for each file of tests."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from tests.cuts.judge import Judge
from tests.cuts.replay import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def recorded() -> Callable[[str, int], Recording]:
    return functools.cache(Recording.make)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as one:
        yield one
