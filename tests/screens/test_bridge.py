"""The crossing between the core's thread and Qt's: order, latest picture, nothing after the end; the crash policy."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMessageLogContext, QThread, QtMsgType

from devices.values import Frame
from kiosk.clock import SystemClock
from kiosk.errors import KioskError
from kiosk.event_log import EventLog
from kiosk.intents import Chose
from kiosk.views import Fault, Language, Mode, Scene, plain
from screens.bridge import Bridge
from screens.core_thread import CoreThread
from screens.crash import CrashPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

ROOT = Path(__file__).parents[2]


def scene(turn: int) -> Scene:
    words = plain("")
    view = Fault(title=words, happened=words, means=words, do=words, number="", options=())
    return Scene(turn=turn, view=view, language=Language.ZH_CN, mode=Mode.NORMAL)


def picture(number: int) -> Frame:
    return Frame(1, 1, bytes(3), float(number))


class FakeTerminal:
    """A terminal that remembers intents and runs until it is told to stop."""

    def __init__(self, *, fails: Exception | None = None) -> None:
        self.posted: list[object] = []
        self.threads: list[int] = []
        self.arrived = threading.Event()
        self._fails = fails

    async def run(self) -> None:
        if self._fails is not None:
            raise self._fails
        await asyncio.Event().wait()

    def post(self, intent: object) -> None:
        self.posted.append(intent)
        self.threads.append(threading.get_ident())
        self.arrived.set()

    async def report(self) -> dict[str, object]:
        return {"outcome": "completed"}


@pytest.fixture
def bridge(qtbot: QtBot) -> Iterator[Bridge]:
    made = Bridge()
    yield made
    made.deleteLater()


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def crash(log: io.StringIO, bridge: Bridge) -> Iterator[CrashPolicy]:
    policy = CrashPolicy(EventLog(SystemClock(), log), lambda: bridge.ended(failed=True))
    yield policy
    policy.uninstall()


def start(terminal: FakeTerminal, bridge: Bridge, crash: CrashPolicy) -> CoreThread:
    async def build() -> FakeTerminal:
        return terminal

    core = CoreThread(build, bridge, crash)
    core.start()
    return core


def test_scenes_arrive_in_order_and_on_the_main_thread(qtbot: QtBot, bridge: Bridge) -> None:
    seen: list[tuple[int, bool]] = []
    bridge.scene_arrived.connect(lambda s: seen.append((s.turn, QThread.isMainThread())))
    worker = threading.Thread(target=lambda: [bridge.show(scene(turn)) for turn in range(500)])
    worker.start()
    qtbot.waitUntil(lambda: len(seen) == 500)
    worker.join()
    assert seen == [(turn, True) for turn in range(500)]


def test_slow_screen_gets_the_latest_picture_and_no_backlog(qtbot: QtBot, bridge: Bridge) -> None:
    shown: list[float] = []
    bridge.picture_arrived.connect(lambda frame: shown.append(frame.taken))
    worker = threading.Thread(target=lambda: [bridge.frame(picture(number)) for number in range(200)])
    worker.start()
    worker.join()  # the main thread has not run its loop meanwhile: a slow screen
    qtbot.waitUntil(lambda: bool(shown))
    assert shown == [199.0]


def test_wiped_picture_is_never_shown(qtbot: QtBot, bridge: Bridge) -> None:
    shown: list[object] = []
    bridge.picture_arrived.connect(shown.append)
    bridge.frame(picture(1))
    with qtbot.waitSignal(bridge.wipe_asked):
        bridge.wipe()
    assert shown == []


def test_intents_reach_the_terminal_on_the_cores_thread(qtbot: QtBot, bridge: Bridge, crash: CrashPolicy) -> None:
    terminal = FakeTerminal()
    core = start(terminal, bridge, crash)
    try:
        qtbot.waitUntil(lambda: bool(core.report().result(timeout=5)))
        bridge.send(Chose(1, "services"))
        assert terminal.arrived.wait(5)
        assert terminal.posted == [Chose(1, "services")]
        assert terminal.threads == [core.ident]
    finally:
        core.end()
        core.join(5)
    assert not core.is_alive()


def test_intent_after_the_stop_goes_nowhere(qtbot: QtBot, bridge: Bridge, crash: CrashPolicy) -> None:
    terminal = FakeTerminal()
    core = start(terminal, bridge, crash)
    qtbot.waitUntil(lambda: bool(core.report().result(timeout=5)))
    bridge.stop()
    bridge.send(Chose(1, "late"))
    core.end()
    core.join(5)
    bridge.send(Chose(1, "after the loop is closed"))
    assert terminal.posted == []


def test_core_ended_before_it_began_ends(qtbot: QtBot, bridge: Bridge, crash: CrashPolicy) -> None:
    async def build() -> FakeTerminal:
        return FakeTerminal()

    core = CoreThread(build, bridge, crash)
    core.end()
    with qtbot.waitSignal(bridge.core_ended) as ended:
        core.start()
    core.join(5)
    assert ended.args == [False]


def test_tap_between_the_cores_end_and_the_stop_is_no_crash(bridge: Bridge) -> None:
    loop = asyncio.new_event_loop()
    bridge.lead_to(loop, lambda _: None)
    loop.close()
    bridge.send(Chose(1, "late"))


def test_core_that_is_over_can_be_ended_and_asked(qtbot: QtBot, bridge: Bridge, crash: CrashPolicy) -> None:
    core = start(FakeTerminal(fails=ValueError()), bridge, crash)
    core.join(5)
    core.end()
    assert core.report().result(timeout=1) == {}


class StuckTerminal(FakeTerminal):
    """A terminal whose stopping after a fault hangs until it is let go, whatever is cancelled."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self._how = how
        self.let_go = threading.Event()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.Event().wait())
                group.create_task(self._fall())
        finally:
            if self._how == "blocks the loop":
                self.let_go.wait(10)
            while not self.let_go.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)

    async def _fall(self) -> None:
        raise ValueError("secret")


@pytest.mark.parametrize("how", ["swallows its cancelling", "blocks the loop"])
def test_crash_is_told_though_the_stopping_hangs(
    how: str, qtbot: QtBot, *, bridge: Bridge, crash: CrashPolicy, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.core_thread.STOP_LIMIT_S", 0.2)
    terminal = StuckTerminal(how)
    with qtbot.waitSignal(bridge.core_ended) as ended:
        core = start(terminal, bridge, crash)
    try:
        assert core.is_alive()
        assert ended.args == [True]
        told = json.loads(log.getvalue())
        assert told["where"].startswith("core does not stop")
        assert told["error"] == "ValueError"
    finally:
        terminal.let_go.set()
        core.join(5)
    assert log.getvalue().count("TerminalCrashed") == 1


class MendingTerminal(FakeTerminal):
    """A terminal one part of which fails, and is dealt with while the others go on."""

    async def run(self) -> None:
        async def fail() -> None:
            raise ValueError

        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait())
            lone = asyncio.get_running_loop().create_task(fail())
            await asyncio.wait([lone])
            assert lone.exception() is not None
            self.arrived.set()


def test_fault_that_was_dealt_with_is_no_crash(
    qtbot: QtBot, bridge: Bridge, crash: CrashPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.core_thread.STOP_LIMIT_S", 0.0)
    looked = threading.Event()

    class Timer(threading.Timer):
        def run(self) -> None:
            super().run()
            looked.set()

    monkeypatch.setattr("screens.core_thread.threading.Timer", Timer)
    core = start(MendingTerminal(), bridge, crash)
    try:
        assert looked.wait(5)
        assert not crash.crashed
    finally:
        core.end()
        core.join(5)


def test_crash_is_told_though_the_loops_own_cleaning_up_hangs(
    qtbot: QtBot, bridge: Bridge, crash: CrashPolicy, log: io.StringIO
) -> None:
    let_go = threading.Event()

    class Leaver(FakeTerminal):
        async def run(self) -> None:
            asyncio.get_running_loop().run_in_executor(None, let_go.wait, 10)  # asyncio.run() waits for it
            raise ValueError

    with qtbot.waitSignal(bridge.core_ended) as ended:
        core = start(Leaver(), bridge, crash)
    try:
        assert core.is_alive()
        assert ended.args == [True]
    finally:
        let_go.set()
        core.join(5)


def test_closed_error_stream_does_not_turn_a_warning_into_a_crash(
    bridge: Bridge, crash: CrashPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    crash._from_qt(QtMsgType.QtWarningMsg, QMessageLogContext(), "words")
    assert len(crash.warnings) == 1
    assert not crash.crashed


def test_error_in_the_core_is_told_without_its_words(
    qtbot: QtBot, bridge: Bridge, crash: CrashPolicy, log: io.StringIO
) -> None:
    with qtbot.waitSignal(bridge.core_ended) as ended:
        core = start(FakeTerminal(fails=ValueError("测试·张老伯 999999195203070019")), bridge, crash)
    core.join(5)
    assert ended.args == [True]
    told = json.loads(log.getvalue())
    assert told["event"] == "TerminalCrashed"
    assert told["error"] == "ValueError"
    assert "test_bridge.py" in told["where"]
    assert "测试" not in log.getvalue()
    assert "9999" not in log.getvalue()


def test_our_own_errors_may_speak(bridge: Bridge, crash: CrashPolicy, log: io.StringIO) -> None:
    crash.report("core", KioskError("journey has no end"))
    assert "journey has no end" in log.getvalue()


def test_second_crash_is_the_same_wreck(bridge: Bridge, crash: CrashPolicy, log: io.StringIO) -> None:
    crash.report("core", ValueError())
    crash.report("screen", TypeError())
    assert log.getvalue().count("TerminalCrashed") == 1


CRASHER = """
import asyncio, os, sys, tempfile
from kiosk.settings import load
from screens.app import App, Display

class Terminal:
    def post(self, intent): ...
    async def report(self): return {}
    async def run(self):
        loop = asyncio.get_running_loop()
        match sys.argv[1]:
            case "task": raise ValueError("secret")
            case "callback": loop.call_soon(lambda: {}["secret"])
            case "stop": os.kill(os.getpid(), 15)
        await asyncio.Event().wait()

async def build(settings, screen): return Terminal()
with tempfile.TemporaryDirectory() as state:
    settings = load("demo", overlays=[("test", {"terminal": {"state_dir": state}})])
    app = App(settings, Display(offscreen=True), build)
    def attend(app):
        class Nobody:
            def close(self): ...
        if sys.argv[1] == "slot":
            app.bridge.core_ended.connect(lambda *_: None)
            from PySide6.QtCore import QTimer
            QTimer.singleShot(0, app, lambda: {}["secret"])
        return Nobody()
    sys.exit(app.run(attend))
"""


@pytest.mark.parametrize(("how", "status"), [("task", 70), ("callback", 70), ("slot", 70), ("stop", 0)])
def test_program_ends_in_order_whatever_happens(how: str, status: int) -> None:
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CRASHER, how], env=surroundings, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status, done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert ("TerminalCrashed" in done.stdout) is (status == 70)
