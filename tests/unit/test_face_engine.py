"""The built-in face engine: verdicts on real pictures, and what happens when its process hangs, dies or is missing."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from devices.sim.faces import Faces
from devices.values import Frame
from kiosk.identity import face_local
from kiosk.identity.face import FaceCode, FaceEngineError, Look, Verdict
from kiosk.identity.face_local import LocalFaceEngine, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
PORTRAITS = Faces(ROOT / "build" / "faces")
LIMITS = (0.41, 0.51)
PATIENCE_S = 10.0

needs_faces = pytest.mark.skipif(not PORTRAITS.available(), reason="the portraits were not fetched: run make setup")


@pytest.fixture(scope="module")
def live() -> dict[str, list[Frame]]:
    """Return five pictures of the camera for each face."""
    return {face: film(face) for face in ("face_a", "face_b", "nobody")}


@pytest.fixture(scope="module")
def card() -> bytes:
    """Return the picture on the card of face_a: another photograph than the camera shows."""
    return PORTRAITS.card_photo("face_a")


@pytest.fixture
async def engine() -> AsyncIterator[LocalFaceEngine]:
    engine = LocalFaceEngine(*LIMITS)
    await engine.start()
    yield engine
    await engine.stop()
    assert workers() == set()


def film(face: str) -> list[Frame]:
    pictures = list(PORTRAITS.clip(face, frames=5))
    return [
        Frame(640, 480, np.ascontiguousarray(picture[..., ::-1]).tobytes(), 0.3 * index)
        for index, picture in enumerate(pictures)
    ]


def workers() -> set[int]:
    """Return the face processes that are children of this one."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            command = (entry.parent / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if parent == os.getpid() and b"face_worker" in command:
            found.add(int(entry.parent.name))
    return found


async def until(condition: object) -> None:
    """Wait for something to become true."""
    assert callable(condition)
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.005)


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def grey() -> Frame:
    return Frame(64, 48, bytes([128]) * (64 * 48 * 3), 0.0)


@needs_faces
async def test_same_person_on_another_photograph_matches_and_a_stranger_does_not(
    engine: LocalFaceEngine, card: bytes, live: dict[str, list[Frame]]
) -> None:
    async with engine.check() as check:
        assert await check.use_card_photo(card.ljust(1024, b"\0")), "padded, as in the block of a card"
        same = await check.compare(live["face_a"])
        other = await check.compare(live["face_b"])
        nobody = await check.compare(live["nobody"])
        mixed = await check.compare(live["face_a"][:2] + live["face_b"][:2])
        looks = [await check.look(frame) for frame in (*live["face_a"], live["nobody"][0])]
        for frame in live["face_a"]:
            await check.look(frame)
        prepared = await check.compare(live["face_a"])
    assert same.verdict is Verdict.MATCH
    assert same.score < LIMITS[0] - 0.03, "with room to the limit: packing differs from one library version to the next"
    assert same.engine.name == "face_recognition"
    assert same.engine.certificates == ()
    assert other.verdict is Verdict.NO_MATCH
    assert nobody.verdict is Verdict.UNSURE, "no face is nothing to go by, not a stranger"
    assert mixed.verdict is Verdict.UNSURE, "somebody else stepped in: the pictures are not of one person"
    assert looks == [*[Look.OK] * 5, Look.NO_FACE]
    assert prepared.score == pytest.approx(same.score), "what was made while nobody waited is the same"


@needs_faces
async def test_small_pictures_in_one_frame_of_two_people_are_told(
    engine: LocalFaceEngine, live: dict[str, list[Frame]]
) -> None:
    sides = [
        np.frombuffer(live[face][0].rgb, np.uint8).reshape(480, 640, 3)[:, 120:520] for face in ("face_a", "face_b")
    ]
    both = np.ascontiguousarray(np.hstack(sides))
    async with engine.check() as check:
        assert await check.look(Frame(800, 480, both.tobytes(), 0.0)) is Look.TWO_FACES


@needs_faces
async def test_card_picture_without_a_face_is_not_usable(
    engine: LocalFaceEngine, card: bytes, live: dict[str, list[Frame]]
) -> None:
    async with engine.check() as check:
        for content in (b"", b"no picture", card[:300], bytes(1024)):
            assert not await check.use_card_photo(content)
        with pytest.raises(FaceEngineError) as caught:
            await check.compare(live["face_a"])
        assert caught.value.why is FaceCode.REFUSED, "nothing to compare with is no verdict"


@needs_faces
async def test_cancelled_call_does_not_answer_the_next_one(
    engine: LocalFaceEngine, card: bytes, live: dict[str, list[Frame]]
) -> None:
    """A resident who goes back and forth must not be judged by the answer to an earlier question."""
    async with engine.check() as check:
        assert await check.use_card_photo(card)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(check.compare(live["face_b"]))
            await asyncio.sleep(0.05)  # it is under way
            began = time.monotonic()
            task.cancel()
            await asyncio.wait({task})
            assert time.monotonic() - began < 0.5
        assert await check.look(live["nobody"][0]) is Look.NO_FACE
        assert (await check.compare(live["face_a"])).verdict is Verdict.MATCH


@needs_faces
async def test_worker_killed_in_the_middle_is_an_error_and_the_next_check_works(
    engine: LocalFaceEngine, card: bytes, live: dict[str, list[Frame]]
) -> None:
    assert await engine.ready()
    (pid,) = workers()
    async with engine.check() as check:
        assert await check.use_card_photo(card)
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(error_of(check.compare(live["face_a"])))
            await asyncio.sleep(0.05)  # it is under way
            began = time.monotonic()
            os.kill(pid, signal.SIGKILL)
        assert failing.result().why is FaceCode.CRASHED
        assert time.monotonic() - began < 1.0
        assert (await error_of(check.look(live["face_a"][0]))).why is FaceCode.CRASHED
    async with engine.check() as check:
        assert await check.use_card_photo(card)
        assert (await check.compare(live["face_a"])).verdict is Verdict.MATCH


async def test_worker_that_hangs_is_ended_at_its_deadline(
    engine: LocalFaceEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_local, "LOOK_LIMIT_S", 0.3)
    assert await engine.ready()
    (pid,) = workers()
    async with engine.check() as check:
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        assert (await error_of(check.look(grey()))).why is FaceCode.DEADLINE
        assert time.monotonic() - began < 1.0
    assert not alive(pid)


async def test_process_that_saw_a_face_ends_with_the_check_and_left_no_file(
    engine: LocalFaceEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with engine.check():  # the spare that waits from now on has this folder for its temporary files
        pass
    assert await engine.ready()
    (pid,) = workers()
    async with engine.check() as check:
        await check.look(grey())
        await check.use_card_photo(b"no picture")
        await until(lambda: len(workers()) == 2)
        assert pid in workers(), "the warm spare is the one that is used"
    assert pid not in workers()
    assert not alive(pid)
    assert files(tmp_path) == []
    with pytest.raises(FaceEngineError) as caught:
        await check.look(grey())
    assert caught.value.why is FaceCode.CLOSED


async def test_worker_allows_no_core_dump_and_stands_back(engine: LocalFaceEngine) -> None:
    assert await engine.ready()
    (pid,) = workers()
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    assert os.getpriority(os.PRIO_PROCESS, pid) > 0, "the screen comes first"


async def test_spare_that_died_while_waiting_is_replaced_before_anybody_notices(engine: LocalFaceEngine) -> None:
    assert await engine.ready()
    (pid,) = workers()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not alive(pid))
    async with engine.check() as check:
        assert await check.look(grey()) is Look.NO_FACE
    (other,) = workers()
    os.kill(other, signal.SIGKILL)
    await until(lambda: not alive(other))
    assert await engine.ready()


async def test_check_of_an_engine_that_was_not_started_says_so() -> None:
    engine = LocalFaceEngine(*LIMITS)
    assert not await engine.ready()
    with pytest.raises(FaceEngineError) as caught:
        async with engine.check():
            pass
    assert caught.value.why is FaceCode.CLOSED


@pytest.mark.parametrize(
    ("package", "content"),
    [("face_recognition", "quit()"), ("pkg_resources", "raise ImportError"), ("face_recognition_models", "")],
    ids=["library quits on import", "broken dependency", "models missing"],
)
async def test_missing_parts_leave_the_terminal_alive_and_tell(
    package: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library ends the whole program with status 0 when a part of it is missing: a kiosk would just vanish."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(content)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    engine = LocalFaceEngine(*LIMITS)
    await engine.start()
    assert not await engine.ready()
    with pytest.raises(FaceEngineError) as caught:
        async with engine.check():
            pass
    assert caught.value.why is FaceCode.UNAVAILABLE
    await engine.stop()
    assert workers() == set()


async def test_nothing_reaches_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """The library's helper announces its own end there at each import."""
    engine = LocalFaceEngine(*LIMITS)
    await engine.start()
    assert await engine.ready()
    async with engine.check() as check:
        await check.use_card_photo(b"no picture")
    await engine.stop()
    assert capfd.readouterr() == ("", "")


def test_no_worker_survives_a_terminal_that_was_killed() -> None:
    """An orphan would keep a face in memory for as long as the machine runs."""
    program = (
        "import asyncio, time\n"
        "from kiosk.identity.face_local import LocalFaceEngine\n"
        "async def main():\n"
        "    engine = LocalFaceEngine(0.41, 0.51)\n"
        "    await engine.start()\n"
        "    await engine.ready()\n"
        "    print(engine._spare._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as terminal:
        assert terminal.stdout is not None
        pid = int(terminal.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        terminal.kill()
    ends = time.monotonic() + PATIENCE_S
    while alive(pid):
        assert time.monotonic() < ends
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that waits for somebody to ask for its status does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_worker_module_brings_neither_the_screen_nor_the_models_into_the_terminal() -> None:
    program = (
        "import sys, kiosk.identity.face_local, kiosk.identity.liveness\n"
        "bad = [m for m in ('PySide6', 'dlib', 'face_recognition', 'cv2', 'numpy') if m in sys.modules]\n"
        "sys.exit(', '.join(bad) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("score", "used", "expected"),
    [
        (0.0, 3, Verdict.MATCH),
        (0.41, 3, Verdict.MATCH),
        (0.4100001, 3, Verdict.UNSURE),
        (0.5099999, 3, Verdict.UNSURE),
        (0.51, 3, Verdict.NO_MATCH),
        (float("nan"), 3, Verdict.UNSURE),
        (-1.0, 3, Verdict.UNSURE),
        (0.1, 0, Verdict.UNSURE),
        (float("inf"), 0, Verdict.UNSURE),
    ],
)
def test_limits_are_read_as_written_and_nonsense_is_never_a_match(score: float, used: int, expected: Verdict) -> None:
    assert verdict(score, LIMITS, used) is expected


@pytest.mark.parametrize("limits", [(0.41, 0.6), (0.6, 0.7), (0.5, 0.5), (0.51, 0.41), (0.0, 0.5), (-0.1, 0.5)])
def test_limits_of_the_library_s_default_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="match_at"):
        LocalFaceEngine(*limits)


async def error_of(call: object) -> FaceEngineError:
    """Return the error a call ends with."""
    assert asyncio.iscoroutine(call)
    with pytest.raises(FaceEngineError) as caught:
        await call
    return caught.value
