"""The crossing between the core's thread and Qt's: order, latest picture, nothing after the end; the crash policy."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QThread

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
