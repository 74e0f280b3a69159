"""The program of a driver's process: ``python -m devices.host HANDLE PARENT``; the terminal starts it, nobody else.

``HANDLE`` is an open socket to the terminal (process ``PARENT``). The first message says which driver, by the name in
the registry, for which device, with which options: nothing of that stands on a command line, where a password in an
address could be read by everybody.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from devices import registry
from devices.hosted.calls import port_of
from devices.hosted.confine import Limits, OrphanError, confine
from devices.hosted.frames import PROBLEMS, Kind, one_line
from devices.hosted.schema import encoded
from devices.hosted.servant import Gone, Line, Servant

if TYPE_CHECKING:
    from devices.device import Device

PROBLEM_MAX = 3000  # characters


def main() -> int:
    """Serve one device; return the exit status when there is nothing to serve."""
    handle, parent = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(handle, False)
    line = Line(socket.socket(fileno=handle))
    try:
        _, _, body = line.receive()
        order: dict[str, Any] = json.loads(body)
        confine(parent, Limits(**order["limits"]))
        device = _made(order)
    except (Gone, OrphanError):
        return 0
    except (ValueError, OSError) as error:
        line.send(Kind.REFUSED, 0, encoded(PROBLEMS, (one_line(str(error), PROBLEM_MAX),)).bytes)
        return 1
    asyncio.run(Servant(line, port_of(order["name"]), device).serve())
    return 0


def _made(order: dict[str, Any]) -> Device:
    return registry.create(order["driver"], order["name"], order["options"])


if __name__ == "__main__":
    sys.exit(main())
