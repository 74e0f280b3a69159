"""The built-in engine: face_recognition (dlib) in child processes, a fresh one for each visit and a warm spare waiting.

It assists and never decides alone: at its library's default limit of 0.6 one in three pairs of different East-Asian
people would match. The limits below belong to this recipe: one picture 0.45 and 0.55, and 0.04 lower because three
mirrored pictures are averaged, which brings strangers nearer as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.identity.face import EngineInfo, FaceAnswer, FaceCheck, FaceCode, FaceEngine, FaceEngineError, Look, Verdict
from kiosk.identity.face_worker import FRAME_HEAD, LOOKS, REPLY, REQUEST, Operation, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from devices.values import Frame

MATCH_AT = 0.41  # one different pair in 1,000 of one region is nearer, one in 100,000 of everybody (LFW)
NO_MATCH_AT = 0.51
CEILING = 0.6  # the library's default: never a limit here

# Deadlines: what was measured on one quiet core, times ten: beside others that never rest little of a core is left.
# They find what hangs; who waits may cancel at any time.
UP_LIMIT_S = 12.0  # 1.2 s: imports and models
CARD_LIMIT_S = 12.0  # 1.2 s: 20 templates, while the next spare warms up
LOOK_LIMIT_S = 6.0  # 0.02 s, and what is left of a call before it that nobody waits for any more
COMPARE_LIMIT_S = 8.0  # 0.6 s: five searches, six templates
GRACE_S = 0.2  # to end by itself when its line closes; a worker in the middle of a template does not look
GONE_LIMIT_S = 2.0  # after SIGKILL: the kernel frees 140 MB
FRAMES_LIMIT = 7  # more bring nothing: three are used

_ROOT = Path(__file__).parents[2]
_log = logging.getLogger(__name__)


class LocalFaceEngine(FaceEngine):
    """Makes checks in processes of their own. All methods belong to one event loop, in the thread that started it."""

    def __init__(self, match_at: float = MATCH_AT, no_match_at: float = NO_MATCH_AT) -> None:
        if not 0 < match_at < no_match_at < CEILING:
            raise ValueError(f"needs 0 < match_at < no_match_at < {CEILING}")
        self._limits = (match_at, no_match_at)
        self._running = False
        self._spare: _Worker | None = None

    def info(self) -> EngineInfo:
        """Return who it is."""
        match_at, no_match_at = self._limits
        versions = [f"{name} {_version(name)}" for name in ("face_recognition", "dlib-bin")]
        return EngineInfo(
            name="face_recognition",
            version=", ".join(versions),
            vendor="built in",
            certificates=(),
            operating_point=f"distance: match up to {match_at}, no match from {no_match_at}; assisting only",
        )

    async def start(self) -> None:
        """Start the spare; it takes a second to warm up, nobody waits for it here."""
        self._running = True
        if self._spare is None:
            self._refill()

    async def stop(self) -> None:
        """End the spare. Checks that are still open end with their contexts."""
        self._running = False
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.end()

    async def ready(self) -> bool:
        """Wait for the spare to be warm; a dead one is replaced once."""
        if not self._running:
            return False
        for _ in range(2):
            self._refill()
            spare = self._spare
            if spare is None:
                return False
            try:
                await spare.up()
            except FaceEngineError as error:
                _log.error("face engine is not ready: %s", error)
                await self._discard(spare)
            else:
                return True
        return False

    @contextlib.asynccontextmanager
    async def check(self) -> AsyncIterator[FaceCheck]:
        """Hand out the spare, start another, and end the first with the block."""
        worker = await self._take()
        try:
            yield _LocalCheck(worker, self._limits, self.info())
        finally:
            await worker.end()

    async def _take(self) -> _Worker:
        """Return a worker that is up: the spare, or a new one when the spare died waiting."""
        if not self._running:
            raise FaceEngineError(FaceCode.CLOSED, "the engine was not started")
        for last in (False, True):
            worker, self._spare = self._spare or _Worker(), None
            try:
                await worker.up()
            except FaceEngineError:
                await worker.end()
                if last:
                    raise
            except asyncio.CancelledError:
                await worker.end()
                raise
            else:
                break
        self._refill()
        return worker

    async def _discard(self, worker: _Worker) -> None:
        if self._spare is worker:
            self._spare = None
        await worker.end()

    def _refill(self) -> None:
        try:
            self._spare = self._spare or _Worker()
        except FaceEngineError as error:
            _log.error("face engine: no spare: %s", error)


class _LocalCheck(FaceCheck):
    """One worker for one visit."""

    def __init__(self, worker: _Worker, limits: tuple[float, float], info: EngineInfo) -> None:
        self._worker = worker
        self._limits = limits
        self._info = info

    async def use_card_photo(self, picture: bytes) -> bool:
        """Make the card's template; begin as soon as the card is read."""
        try:
            value, _ = await self._worker.ask(Operation.CARD, [picture], CARD_LIMIT_S)
        except FaceEngineError as error:
            if error.why is FaceCode.REFUSED:  # no picture at all: nothing to compare with, and no reason to stop
                return False
            raise
        return bool(value)

    async def look(self, frame: Frame) -> Look:
        """Judge one picture."""
        value, _ = await self._worker.ask(Operation.LOOK, _parts([frame]), LOOK_LIMIT_S)
        return LOOKS[value]

    async def compare(self, frames: Sequence[Frame]) -> FaceAnswer:
        """Compare; pictures that are not all of one person give ``UNSURE``."""
        used, score = await self._worker.ask(Operation.COMPARE, _parts(frames[-FRAMES_LIMIT:]), COMPARE_LIMIT_S)
        return FaceAnswer(verdict(score if used else float("inf"), self._limits, used), score, self._info)


def verdict(score: float, limits: tuple[float, float], used: int) -> Verdict:
    """Read a distance off the two limits; without a usable picture nothing can be said."""
    match_at, no_match_at = limits
    if not used or not score >= 0:  # not a number is no distance either
        return Verdict.UNSURE
    if score <= match_at:
        return Verdict.MATCH
    return Verdict.NO_MATCH if score >= no_match_at else Verdict.UNSURE


class _Worker:
    """One child process and the line to it. It may be used by one check only."""

    def __init__(self) -> None:
        near, far = socket.socketpair()
        with far:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "kiosk.identity.face_worker", str(far.fileno()), str(os.getpid())],
                    pass_fds=[far.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,  # the library prints advice
                    cwd="/",
                    env=_environment(),
                )
            except OSError as error:
                near.close()
                raise FaceEngineError(FaceCode.UNAVAILABLE, type(error).__name__) from error
        near.setblocking(False)
        self._near = near
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()
        self._number = 0
        self._is_up = False
        self._lost: FaceEngineError | None = None

    async def up(self) -> None:
        """Return when the models are loaded. Raises ``FaceEngineError``; also when it has died since."""
        async with self._turn:
            if self._is_up:
                if self._process.poll() is not None:
                    raise self._lose(FaceCode.CRASHED)
                return
            status, _, _ = await self._answer(UP_LIMIT_S)
            if status is not Status.DONE:
                raise self._lose(FaceCode.UNAVAILABLE, status.name.lower())
            self._is_up = True

    async def ask(self, operation: Operation, parts: Sequence[bytes], limit_s: float) -> tuple[int, float]:
        """Send a request and return value and score of its reply. Raises ``FaceEngineError``."""
        async with self._turn:
            if self._lost is not None:
                raise self._lost
            _, writer = await self._connect()
            self._number += 1
            # The writer takes everything at once: a call cancelled in the middle leaves no half request behind.
            writer.write(REQUEST.pack(self._number, operation, sum(map(len, parts))))
            writer.writelines(parts)
            status, value, score = await self._answer(limit_s)
        if status is not Status.DONE:
            raise FaceEngineError(FaceCode.REFUSED, operation.name.lower())
        return value, score

    async def end(self) -> None:
        """Close the line, wait a moment, kill. Idempotent; never raises."""
        self._lost = self._lost or FaceEngineError(FaceCode.CLOSED)
        try:
            if self._streams is not None:
                self._streams[1].transport.abort()
            else:
                self._near.close()
            await self._gone(GRACE_S)
        finally:
            self._process.kill()
            await self._gone(GONE_LIMIT_S)
            if self._process.poll() is None:
                _log.error("face process %d does not die", self._process.pid)

    async def _answer(self, limit_s: float) -> tuple[Status, int, float]:
        """Read replies until the one to the last request; those before it belong to calls that were cancelled."""
        reader, _ = await self._connect()
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    number, status, value, score = REPLY.unpack(await reader.readexactly(REPLY.size))
                    if number == self._number:
                        return Status(status), value, score
        except TimeoutError:
            raise self._lose(FaceCode.DEADLINE, f"{limit_s:.0f} s") from None
        except (OSError, EOFError):
            raise self._lose(FaceCode.CRASHED) from None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(sock=self._near)
        return self._streams

    def _lose(self, why: FaceCode, detail: str = "") -> FaceEngineError:
        """Give the process up at once: one that hangs must not hold a face any longer."""
        self._lost = FaceEngineError(why, detail)
        self._process.kill()
        return self._lost

    async def _gone(self, limit_s: float) -> None:
        """Wait for the end of the process, and reap it."""
        if self._process.poll() is not None:
            return
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        handle = os.pidfd_open(self._process.pid)
        loop.add_reader(handle, ended.set)
        try:
            async with asyncio.timeout(limit_s):
                await ended.wait()
        except TimeoutError:
            return
        finally:
            loop.remove_reader(handle)
            os.close(handle)
            self._process.poll()


def _parts(frames: Sequence[Frame]) -> list[bytes]:
    """Return the payload for frames without copying their pictures."""
    return [part for frame in frames for part in (FRAME_HEAD.pack(frame.width, frame.height), frame.rgb)]


def _environment() -> dict[str, str]:
    """Let the child find this very program, and keep the linear algebra from starting a thread per core."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
