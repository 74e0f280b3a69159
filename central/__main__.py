"""``python -m central --data DIR --port 0 --kiosk K0001 [--demo]``: run central until told to stop.

With a command first, ``python -m central kiosk revoke K0001 --data DIR``, it does that; see :mod:`central.commands`.
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml
from sqlalchemy.exc import SQLAlchemyError

from central.commands import run
from central.office import Terms
from central.pacer import CAPACITY
from central.packages import CATALOGUE
from central.restores import ASK_DAYS
from central.serving import LOOPBACK, serve
from typefaces import FontMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KIOSK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # offline_queue.wire
EX_CONFIG: Final = 78  # sysexits.h: a restart would not help
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, serve, return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and not given[0].startswith("-"):
        return _told(lambda: run(given))
    options = _parser().parse_args(given)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=LOG_FORMAT)
    terms = Terms(
        require_signatures=options.require_signatures,
        client_certificates=not options.no_client_certificates,
        capacity=options.capacity,
        ask_days=options.ask_days,
        demo=options.demo,
        catalogue=options.catalogue,
        database=options.database,
    )
    data, kiosks = options.data.resolve(), options.kiosk
    return _told(
        lambda: serve(data, host=options.host, port=options.port, kiosks=kiosks, terms=terms, stay=options.stay)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m central",
        description="Reference platform of Tongban.",
        epilog="Commands: restore-mark, rotate-sealing-key, rotate-receipt-key, keys, audit, kiosk, order, technician, "
        "machine; each knows --help. "
        "What each is for: docs/how-to/run-central.md",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of keys, database and terminal's files")
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on; loopback by default")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--kiosk", type=_kiosk, action="append", required=True, help="terminal to enrol; repeatable")
    parser.add_argument("--catalogue", type=Path, default=CATALOGUE, help="folder of service packages")
    parser.add_argument("--database", default="", help="SQLAlchemy address; SQLite below --data by default")
    parser.add_argument("--demo", action="store_true", help="offer /sim: messages, counters, faults")
    parser.add_argument("--stay", action="store_true", help="do not stop when standard input closes (for services)")
    parser.add_argument("--capacity", type=float, default=CAPACITY, help="items a second all terminals may send")
    parser.add_argument("--ask-days", type=int, default=ASK_DAYS, help="days to ask for what a restore lost")
    parser.add_argument(
        "--require-signatures",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="of batches, also of terminals that have registered no key yet",
    )
    parser.add_argument(
        "--no-client-certificates", action="store_true", help="development only: let terminals in by token alone"
    )
    return parser


def _told(work: Callable[[], int]) -> int:
    """Return the status of ``work``; what stops it is said in one line."""
    try:
        return work()
    except (FontMissing, OSError, LookupError, ValueError, yaml.YAMLError, SQLAlchemyError) as error:
        print(f"central cannot do this: {error}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return EX_CONFIG


def _kiosk(text: str) -> str:
    if not KIOSK.fullmatch(text):
        raise argparse.ArgumentTypeError("letters, digits, dot, dash and underscore, up to 64")
    return text


if __name__ == "__main__":
    sys.exit(main())
