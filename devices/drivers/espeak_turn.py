"""One saying on its way: the programs that speak it, one after the other, and their end at any moment."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.errors import DeviceTimeout, DeviceUnavailable

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code (negative: the signal that killed it), and what it left."""

    code: int
    out: bytes
    err: bytes


class Turn:
    """Waiting, speaking or silenced. All on one loop."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()  # nobody wants to hear it any more
        self.ended = asyncio.Event()  # it is quiet
        self._process: Process | None = None

    def silenced(self) -> bool:
        """Tell whether it was silenced."""
        return self.stopped.is_set()

    def silence(self) -> None:
        """Kill what sounds; :attr:`ended` is set when it is gone."""
        self.stopped.set()
        if self._process is not None:
            _kill(self._process)

    async def run(self, command: Sequence[str], fed: bytes, limit_s: float) -> Ended:
        """Run one program on ``fed``; it is gone afterwards, whatever happens meanwhile.

        Raises ``DeviceUnavailable`` when it cannot be started, ``DeviceTimeout`` when it does not end in time.
        """
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise DeviceUnavailable(f"{command[0]} cannot be started: {type(error).__name__}") from None
        self._process = process
        try:
            if self.silenced():
                _kill(process)
            async with asyncio.timeout(limit_s):
                out, err = await process.communicate(fed)
        except TimeoutError:
            raise DeviceTimeout(f"{command[0]} did not end within {limit_s:.0f} s") from None
        finally:
            self._process = None
            _kill(process)
            await process.wait()
        return Ended(process.returncode or 0, out, err)


def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
