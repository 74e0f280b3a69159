"""Start a world: ``python -m devices.sim --folder DIR --faces DIR`` and, with central, ``--central URL --kiosk NAME``.

Prints one JSON line when everything stands: the settings that lead a terminal here and the dock's address. Ends at
SIGTERM, SIGINT or when standard input closes, so that no world outlives who started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from devices.sim.dock import docked
from devices.sim.world import CentralAddress, World


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m devices.sim", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--folder", type=Path, required=True, help="receives prints, slips and the address file")
    parser.add_argument("--faces", type=Path, required=True, help="the portraits shown to the camera")
    parser.add_argument("--central", default="", help="address of the central behind the line")
    parser.add_argument("--central-ca", default="", help="certificate authority of that central, a PEM file")
    parser.add_argument("--kiosk", default="", help="the terminal, as that central has enrolled it")
    parser.add_argument("--role", action="append", help="only the machines of these roles; all without it")
    return parser.parse_args()


async def _until_told(stop: asyncio.Event) -> None:
    """Return at a signal or when standard input closes."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as group:
        at_end = group.create_task(reader.read())
        at_end.add_done_callback(lambda _: stop.set())
        await stop.wait()
        at_end.cancel()
    transport.close()


async def _run(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.folder
    central = None
    if arguments.central:
        central = CentralAddress(arguments.central, arguments.central_ca, arguments.kiosk)
    world = World(folder, arguments.faces, central, roles=arguments.role)
    await world.start()
    try:
        async with docked(world, folder / "dock.json") as dock:
            said = {"ready": True, "settings": world.settings(), "dock": dock.url, "left_out": world.left_out}
            print(json.dumps(said), flush=True)  # noqa: T201 - the line the caller reads
            await _until_told(asyncio.Event())
    finally:
        await world.stop()


if __name__ == "__main__":
    asked = _arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_run(asked))
