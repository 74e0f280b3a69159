"""The contract of a port, run on site against a configured device: pytest does the work, no test file is needed.

The report says of each point passed, failed or skipped, why, and how long it took. Nothing of a card, a face or a page
can stand in it: a failure is told by the type of its error, its place and the line of the suite that failed, never by
an assertion's text, which shows values.
"""

from __future__ import annotations

import importlib
import linecache
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from devices.errors import DeviceError
from devices.testing.asking import PatientPolicy, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.device import Device

SUITES: Final = {
    "id_reader": ("devices.testing.id_reader", "IdReaderContract", "ReaderHands"),
    "card_reader": ("devices.testing.card_reader", "CardReaderContract", "CardReaderHands"),
    "card_slot": ("devices.testing.card_slot", "CardSlotContract", "CardSlotHands"),
    "camera": ("devices.testing.camera", "CameraContract", "CameraHands"),
    "document_camera": ("devices.testing.document_camera", "DocumentCameraContract", "DocumentCameraHands"),
    "document_printer": ("devices.testing.printer", "PrinterContract", "PrinterHands"),
    "receipt_printer": ("devices.testing.printer", "PrinterContract", "PrinterHands"),
    "scanner": ("devices.testing.scanner", "ScannerContract", "ScannerHands"),
    "pin_pad": ("devices.testing.pin_pad", "PinPadContract", "PadHands"),
    "lights": ("devices.testing.lights", "LightsContract", "LightsHands"),
    "speech": ("devices.testing.speech", "SpeechContract", "SpeechHands"),
    "sensors": ("devices.testing.sensors", "SensorsContract", "SensorsHands"),
    "power": ("devices.testing.power", "PowerContract", "PowerHands"),
}
"""Role: module, suite, protocol of its hands. Loaded when asked for."""
_HERE: Final = Path(__file__).parent
_FILE: Final = """
import pytest
from {module} import {suite}
from devices.testing.specimens import new_job

@pytest.fixture(scope="session")
def event_loop_policy(patience):
    return patience

@pytest.fixture
async def device(configured):
    made = configured()
    yield made
    await made.close()

class TestDevice({suite}):
    specimen = new_job({role!r})
"""
"""What pytest collects: pytest-asyncio takes asynchronous fixtures from a test's own module alone."""
_INI: Final = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


class NoSuite(LookupError):
    """There is no suite for this role in this installation."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the contract. ``outcome``: ``passed``, ``failed`` or ``skipped``; ``reason`` of the last two."""

    name: str
    outcome: str
    reason: str
    seconds: float


def hands_protocol(role: str) -> type:
    """Return the protocol of the hands for ``role``. Raises ``NoSuite``."""
    module, _, hands = _suite(role)
    return _named(module, hands)


def run(
    role: str,
    make: Callable[[], Device],
    hands: Any,
    *,
    stopwatch: Stopwatch,
    on_point: Callable[[Point], None],
    only: str = "",
) -> list[Point]:
    """Run the suite of ``role`` against devices that ``make`` makes; blocks until its end. Raises ``NoSuite``.

    ``only`` is pytest's ``-k``: a part of the points' names.
    """
    module, suite, _ = _suite(role)
    plugin = _Plugin(make, hands, stopwatch, on_point)
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        test, ini = Path(folder) / "test_device.py", Path(folder) / "pytest.ini"
        test.write_text(_FILE.format(module=module, suite=suite, role=role), encoding="utf-8")
        ini.write_text(_INI, encoding="utf-8")
        options = ["-c", str(ini), "--rootdir", folder, "--import-mode=importlib", "--capture=no"]
        options += [
            "--disable-plugin-autoload",
            "-p",
            "pytest_asyncio.plugin",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:terminal",
        ]
        status = pytest.main([*options, *(["-k", only] if only else []), str(test)], plugins=[plugin])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} or not plugin.points:
        raise NoSuite(f"{suite} could not be run: {pytest.ExitCode(status).name}")
    return plugin.points


class _Plugin:
    """Gives the suite its device and its hands, and keeps what became of each point."""

    def __init__(
        self, make: Callable[[], Device], hands: Any, stopwatch: Stopwatch, on_point: Callable[[Point], None]
    ) -> None:
        self._make, self._hands, self._stopwatch, self._on_point = make, hands, stopwatch, on_point
        self._begun = 0.0
        self._reason = ""
        self.points: list[Point] = []

    @pytest.fixture(scope="session")
    def patience(self) -> PatientPolicy:
        """Let time stand still while a person acts."""
        return PatientPolicy(self._stopwatch)

    @pytest.fixture
    def configured(self) -> Callable[[], Device]:
        """Return what makes the configured device."""
        return self._make

    @pytest.fixture
    def hands(self) -> Iterator[Any]:
        """Give the hands, and let them put right what the point left: the next one has the same machine."""
        yield self._hands
        self._hands.restore()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin a point."""
        self._begun, self._reason = self._stopwatch.time(), ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Keep why it ended as it did, in words that hold no value."""
        if call.excinfo is not None:
            self._reason = self._reason or reason_of(call.excinfo.value)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the point once it is over: at its call, or at what kept it from one."""
        if report.when == "call" or report.outcome != "passed":
            outcome, name = report.outcome, report.nodeid.rpartition("::")[2]
            if self.points and self.points[-1].name == name:  # it had passed, and its device did not close
                self.points.pop()
            seconds = round(self._stopwatch.time() - self._begun, 2)
            self.points.append(Point(name, outcome, self._reason, seconds))
            self._on_point(self.points[-1])


def reason_of(error: BaseException) -> str:
    """Return why a point failed or was skipped: a skip's own words; of anything else type, code, place and line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, pytest.skip.Exception):
        return str(error.msg)
    what = type(error).__name__ + (f" {error.code.value}" if isinstance(error, DeviceError) else "")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == _HERE]
    if not frames:
        return what
    place = frames[-1]
    line = linecache.getline(place.filename, place.lineno or 0).strip()
    return f"{what} at {Path(place.filename).name}:{place.lineno}: {line}"


def _suite(role: str) -> tuple[str, str, str]:
    if role not in SUITES:
        raise NoSuite(f"no suite for {role!r}; there are suites for {', '.join(SUITES)}")
    module, suite, hands = SUITES[role]
    _named(module, suite)
    return module, suite, hands


def _named(module: str, name: str) -> type:
    """Return a class of a suite's module; the protocol of its hands may be imported there from a neighbour."""
    try:
        loaded = importlib.import_module(module)
        found = getattr(loaded, name, None) or getattr(importlib.import_module(f"{module}_hands"), name)
    except (ImportError, AttributeError) as error:
        raise NoSuite(f"{module}.{name} is not in this installation: {type(error).__name__}") from error
    assert isinstance(found, type)  # noqa: S101 - the table above names classes
    return found
