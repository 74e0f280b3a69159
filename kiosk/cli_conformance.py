"""What ``kioskctl devices conformance`` does: asks, runs the suite, writes the report."""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from kiosk.cli_places import refuse
from kiosk.device_maker import make_device
from kiosk.simulated import WorldHands
from kiosk.terminal import VERSION

if TYPE_CHECKING:
    from devices.device import Device, DeviceInfo
    from devices.testing.conformance import Point
    from kiosk.settings import Settings

FOLDER: Final = "conformance"  # in the terminal's folder
NO_PYTEST: Final = "conformance needs pytest, which is not installed here: pip install 'tongban[conformance]'"
MARKS: Final = {"passed": "✓", "failed": "✗", "skipped": "–"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. ``dock``: the simulated world whose hands are used; empty: a person is asked."""

    name: str
    settings: Settings
    dock: str
    out: Path | None
    only: str
    quiet: bool


def prove(asked: Asked) -> dict[str, Any]:
    """Run the suite, write the report and return it. Ends the command where that cannot be done."""
    try:
        from devices.testing import asking, conformance  # noqa: PLC0415 - pytest is on no terminal unless asked for
    except ModuleNotFoundError as error:
        if error.name not in {"pytest", "pytest_asyncio"}:
            raise
        refuse(NO_PYTEST)
    begun, stopwatch = datetime.now(UTC).astimezone(), asking.Stopwatch()
    answers = WorldHands(asked.name, asked.dock) if asked.dock else asking.Person(_typed, stopwatch)

    def make() -> Device:
        device = make_device(asked.name, asked.settings.devices[asked.name])
        made.append(device)
        return device

    made: list[Device] = []
    try:
        hands = asking.hands_of(conformance.hands_protocol(asked.name), asked.name, answers, stopwatch)
        points = conformance.run(
            asked.name, make, hands, stopwatch=stopwatch, on_point=lambda point: _tell(point, asked), only=asked.only
        )
    except conformance.NoSuite as error:
        refuse(str(error))
    plate = next((device.info() for device in made if device.info().serial), made[-1].info() if made else None)
    report = _report(asked, begun, points, plate)
    report["files"] = [str(path) for path in _write(asked, begun, report)]
    _sum_up(asked, report)
    return report


def _typed(question: str) -> str | None:
    """Ask on standard error, so that a report on standard output stays clean; ``None`` when nobody is there."""
    typer.echo(question, err=True, nl=False)
    line = sys.stdin.readline()
    return line or None


def _tell(point: Point, asked: Asked) -> None:
    if not asked.quiet:
        typer.echo(f"{MARKS[point.outcome]} {point.name} ({point.seconds:.1f} s) {point.reason}".rstrip())


def _report(asked: Asked, begun: datetime, points: list[Point], plate: DeviceInfo | None) -> dict[str, Any]:
    wanted = asked.settings.devices[asked.name]
    counts = Counter(point.outcome for point in points)
    return {
        "device": asked.name,
        "kiosk": asked.settings.terminal.kiosk,
        "begun": begun.isoformat(timespec="seconds"),
        "hands": "simulated" if asked.dock else "a person",
        "driver": wanted.driver,
        "isolation": wanted.isolation.value,
        "address": plate.address if plate else "",
        "model": plate.model if plate else "",
        "serial": plate.serial if plate else "",
        "versions": {"tongban": VERSION, "python": platform.python_version(), "pytest": _version("pytest")},
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "only": asked.only,
        "counts": {outcome: counts[outcome] for outcome in MARKS},
        "points": [asdict(point) for point in points],
    }


def _write(asked: Asked, begun: datetime, report: dict[str, Any]) -> tuple[Path, Path]:
    folder = asked.out or Path(asked.settings.terminal.state_dir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{begun:%Y-%m-%dT%H%M%S}-{asked.name}"
    machine, human = folder / f"{stem}.json", folder / f"{stem}.md"
    machine.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    human.write_text(_markdown(report), encoding="utf-8")
    return machine, human


def _markdown(report: dict[str, Any]) -> str:
    facts = {key: report[key] for key in ("kiosk", "begun", "hands", "driver", "isolation", "address", "model")}
    facts |= {"serial": report["serial"], "machine": report["machine"]}
    facts["versions"] = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    if report["only"]:
        facts["only"] = f"points that match {report['only']!r}: no whole proof"
    lines = [f"# Conformance of {report['device']}", ""]
    lines += [f"- {key}: {value}" for key, value in facts.items()]
    lines += ["", ", ".join(f"{number} {outcome}" for outcome, number in report["counts"].items()), ""]
    lines += ["| | point | s | reason |", "|---|---|---|---|"]
    for point in report["points"]:
        words = point["name"].removeprefix("test_").replace("_", " ")
        reason = point["reason"].replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {MARKS[point['outcome']]} | {words} | {point['seconds']:.1f} | {reason} |")
    return "\n".join(lines) + "\n"


def _sum_up(asked: Asked, report: dict[str, Any]) -> None:
    if not asked.quiet:
        typer.echo(", ".join(f"{number} {outcome}" for outcome, number in report["counts"].items()))
        typer.echo("\n".join(report["files"]))


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "missing"
