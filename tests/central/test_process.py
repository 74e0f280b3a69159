"""Central as a process: how it starts, what ends it, what a death in the middle leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests

from tests.central.terminal_side import COMPLAINT, take_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_without_a_demo_there_is_no_simulation(start_central: Callable[..., Any]) -> None:
    with start_central(demo=False) as plain:
        for method, path in (("GET", "/sim/sms"), ("GET", "/sim/state"), ("POST", "/sim/faults")):
            assert plain.call(method, path).status_code == 404
        assert plain.stop() == 0


def test_what_cannot_start_says_why_and_is_not_started_again(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    catalogue.mkdir()
    (catalogue / "broken.yaml").write_text("code: DEMO\nversion: one\n")
    command = [sys.executable, "-m", "central", "--data", str(tmp_path), "--kiosk", "K0001"]
    ended = subprocess.run(
        [*command, "--catalogue", str(catalogue)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 78
    assert "central cannot do this" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_term_signal_ends_a_waiting_poll_and_the_process(start_central: Callable[..., Any], bodies: Any) -> None:
    with start_central() as running:
        running.faults(decision_delay_s=600)
        side = running.side()
        item = side.item("case", bodies(COMPLAINT))
        running.receipts(side.batch(item))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(running.decision, side, item.seq)
            begun = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(15) == 0
            assert time.monotonic() - begun < 10
            with suppress(requests.ConnectionError):  # the signal came before the poll was taken up
                assert waiting.result(5)["state"] == "pending"


def test_killed_between_commit_and_decision_it_decides_after_the_restart(
    start_central: Callable[..., Any], bodies: Any, people: Any, tmp_path: Any
) -> None:
    with start_central(tmp_path) as first:
        first.faults(decision_delay_s=600)
        side, seq = take_in(first, bodies, people[0])
        assert first.decision(side, seq, 0)["state"] == "pending"
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
        token = (first.terminal / "token").read_text()
    with start_central(tmp_path) as second:
        assert (second.terminal / "token").read_text() == token
        assert second.decision(side, seq)["state"] == "approved"
        assert second.stop() == 0
