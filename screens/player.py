"""Plays a visit on the whole real terminal: real clicks on the real screen, real devices' wires, a report in the end.

One timer steps a chain of generators; nothing blocks the screen and nothing runs a second event loop. Calls to the
simulated world go through a worker thread.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Slot

from screens.player_hands import Hands, StepFailed
from screens.player_judge import Evidence, Finding, judge
from screens.player_keyboard import Typist
from screens.player_record import Recorder
from screens.player_steps import Steps

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from devices.sim.dock_client import DockClient
    from kiosk.views import Scene
    from screens.app import App
    from screens.player_visit import Strict, Visit

TICK_MS = 15
LOOK_AGAIN_S = 0.3


class Player(QObject):
    """One visit. Made before the core starts; stops the app when the visit is over, whatever happens."""

    def __init__(self, app: App, visit: Visit, dock: DockClient, out: Path) -> None:
        super().__init__()
        self._app = app
        self._visit = visit
        self._dock = dock
        self._out = out
        self._scene: Scene | None = None
        self._hands = Hands(app.window)
        self._recorder = Recorder(app.window, self._hands, out / "screens")
        typist = Typist(self._hands, app.window)
        self._steps = Steps(
            hands=self._hands,
            typist=typist,
            dock=dock,
            recorder=self._recorder,
            scene=lambda: self._scene,
            report=app.core.report,
        )
        self._began = time.monotonic()
        self._doing: Generator[None, None, None] = self._play()
        self._at = "waiting for the first view"
        self._failure = ""
        self._findings: list[Finding] = []
        self._evidence: dict[str, Mapping[str, Any]] = {"report": {}, "world": {}, "central": {}}
        app.bridge.scene_arrived.connect(self._scene_arrives)
        app.bridge.intent_sent.connect(self._intent_sent)
        app.window.frameSwapped.connect(self._frame_swapped)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    @property
    def ok(self) -> bool:
        """Tell whether every step was done and every expectation held."""
        crash = self._app.crash
        complete = bool(self._findings) and all(finding.ok for finding in self._findings)
        return complete and not self._failure and not crash.crashed and not crash.warnings

    def close(self) -> None:
        """Take the hands off the screen. Called when the app has ended its event loop."""
        self._timer.stop()
        self._doing.close()
        self._steps.close()
        self._recorder.close()

    def write_report(self, file: Path) -> None:
        """Write the report; after the app's end, so that what went wrong there is in it too."""
        file.write_text(json.dumps(self._report(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def summary(self) -> list[str]:
        """Return what went wrong, one line each; empty when all is well."""
        lines = [f"step: {self._failure}"] if self._failure else []
        lines += [f"{f.what}: expected {f.expected!r}, found {f.actual!r}" for f in self._findings if not f.ok]
        lines += [f"screen warning: {w.category} {w.place} {w.message}" for w in self._app.crash.warnings]
        if self._app.crash.crashed:
            lines.append("the terminal crashed: see logs/terminal.log")
        return lines or ([] if self.ok else ["the visit did not come to its end"])

    def _report(self) -> dict[str, Any]:
        world = self._evidence["world"]
        return {
            "visit": self._visit.name,
            "about": self._visit.about,
            "ok": self.ok,
            "outcome": self._evidence["report"].get("outcome"),
            "seconds": round(time.monotonic() - self._began, 1),
            "failure": self._failure,
            "views": [entry.as_report() for entry in self._recorder.seen],
            "prints": [f"world/prints/{name}" for name in world.get("prints", [])],
            "slips": [f"world/slips/{name}" for name in world.get("slips", [])],
            "terminal": dict(self._evidence["report"]),
            "central": self._evidence["central"].get("state", {}),
            "expectations": [finding.as_report() for finding in self._findings],
            "warnings": [f"{w.category} {w.place} {w.message}" for w in self._app.crash.warnings],
            "crashed": self._app.crash.crashed,
        }

    # --- what the app says -----------------------------------------------------------------------------------------

    @Slot(object)
    def _scene_arrives(self, scene: Scene) -> None:
        self._recorder.arrives(scene)
        self._scene = scene

    @Slot(object, float)
    def _intent_sent(self, _intent: object, at: float) -> None:
        self._recorder.touched(at)

    @Slot()
    def _frame_swapped(self) -> None:
        self._recorder.frame_swapped()

    # --- what the player does --------------------------------------------------------------------------------------

    @Slot()
    def _tick(self) -> None:
        self._recorder.tick()
        try:
            if not self._failure and time.monotonic() - self._began > self._visit.deadline_s:
                raise StepFailed(f"the visit's deadline of {self._visit.deadline_s:g} s is over")  # noqa: TRY301 - one end for all failures
            next(self._doing)
        except StepFailed as failure:
            if self._failure:  # the evidence cannot be had either
                self._over()
                return
            self._failure = f"{self._at}: {failure}"
            self._recorder.take_now("failed")
            self._doing = self._conclude(patient=False)
        except StopIteration:
            self._over()

    def _over(self) -> None:
        self._timer.stop()
        self._app.stop(0 if self.ok else 1)

    def _play(self) -> Generator[None, None, None]:
        while self._scene is None:
            yield
        for number, step in enumerate(self._visit.steps, start=1):
            self._at = f"step {number}, {_said(step)}"
            yield from self._steps.do(step)
        self._at = "the end"
        yield from self._conclude(patient=True)

    def _conclude(self, *, patient: bool) -> Generator[None, None, None]:
        """Gather the evidence until it satisfies, or until there is no more time for it to do so."""
        deadline = time.monotonic() + (self._visit.expectations.settle_s if patient else 0)
        while True:
            yield from self._gather()
            self._findings = judge(self._visit.expectations, self._as_evidence())
            if all(finding.ok for finding in self._findings) or time.monotonic() > deadline:
                return
            pause = time.monotonic() + LOOK_AGAIN_S
            while time.monotonic() < pause:
                yield

    def _gather(self) -> Generator[None, None, None]:
        answer: Future[Mapping[str, Any]] = self._app.core.report()
        while not answer.done():
            yield
        self._evidence["report"] = answer.result()
        self._evidence["world"] = yield from self._steps.call(self._dock.state)
        self._evidence["central"] = yield from self._steps.call(self._dock.central)

    def _as_evidence(self) -> Evidence:
        found = self._evidence
        return Evidence(found["report"], found["world"], found["central"], self._recorder.seen, self._out / "world")


def _said(step: Strict) -> str:
    """Return a step in the file's words."""
    return json.dumps(step.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)
