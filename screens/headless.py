"""The terminal without a screen: devices, queue and link live, nobody can touch anything. Imports no Qt."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from kiosk.bootstrap import build
from kiosk.errors import SettingsError

if TYPE_CHECKING:
    from devices.values import Frame
    from kiosk.settings import Settings
    from kiosk.views import Scene

EXIT_CRASHED = 70  # <sysexits.h> EX_SOFTWARE: the service manager starts anew


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
    try:
        with asyncio.Runner() as runner:
            return runner.run(_serve(settings))
    except SettingsError:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback may quote values: only kinds are told
        kinds = [type(part).__name__ for part in getattr(error, "exceptions", (error,))]
        sys.stderr.write(f"the terminal crashed: {', '.join(kinds)}\n")
        return EXIT_CRASHED


async def _serve(settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    terminal = await build(settings, NoScreen())
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(terminal.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, serving.cancel)
    return 0
