"""The terminal without a screen: devices, queue and link live, nobody can touch anything. Imports no Qt."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from kiosk.bootstrap import build

if TYPE_CHECKING:
    from devices.values import Frame
    from kiosk.settings import Settings
    from kiosk.views import Scene


class NoScreen:
    """A screen nobody looks at."""

    def show(self, scene: Scene) -> None:
        """Nothing to show it on."""

    def frame(self, frame: Frame) -> None:
        """Nothing to show it on."""

    def wipe(self) -> None:
        """Nothing was kept."""


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    with asyncio.Runner() as runner:
        return runner.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    terminal = await build(settings, NoScreen())
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(terminal.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, serving.cancel)
    return 0
