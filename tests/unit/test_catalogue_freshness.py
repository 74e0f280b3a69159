"""How long ago central confirmed the services: kept over restarts, endless when never, not fooled by a broken file."""

from __future__ import annotations

import math

import pytest

from kiosk.catalogue.freshness import Freshness
from kiosk.clock import ManualClock

DAY_S = 86400.0


async def test_never_heard_is_older_than_any_limit(tmp_path):
    assert Freshness(tmp_path / "heard", ManualClock()).age_s() == math.inf


async def test_restart_does_not_make_the_catalogue_young(tmp_path):
    clock = ManualClock()
    Freshness(tmp_path / "heard", clock).confirm()
    await clock.advance(8 * DAY_S)
    assert Freshness(tmp_path / "heard", clock).age_s() == pytest.approx(8 * DAY_S)


async def test_confirmation_a_minute_writes_once_an_hour(tmp_path):
    clock = ManualClock()
    freshness = Freshness(tmp_path / "heard", clock)
    freshness.confirm()
    first = (tmp_path / "heard").read_text(encoding="ascii")
    await clock.advance(60)
    freshness.confirm()
    assert freshness.age_s() == 0
    assert (tmp_path / "heard").read_text(encoding="ascii") == first
    await clock.advance(3600)
    freshness.confirm()
    assert (tmp_path / "heard").read_text(encoding="ascii") != first


@pytest.mark.parametrize("content", [b"", b"yesterday", b"\xff\xfe", b"2026-11-03T09:00:00"])
async def test_file_that_says_nothing_counts_as_never_heard(tmp_path, content):
    (tmp_path / "heard").write_bytes(content)
    assert Freshness(tmp_path / "heard", ManualClock()).age_s() == math.inf
