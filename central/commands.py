"""What whoever runs central does to it from a shell: ``python -m central <command> … --data DIR``.

Commands about terminals and audits may run beside a running central; rotated keys and a noted restore are in force from
its next start.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from central.audits import first_fault
from central.clock import SystemClock
from central.enrolment import Enrolment, public_keys
from central.keys import FOLDER, load_keys
from central.maintenance_commands import add_commands
from central.office import database_in
from central.restores import note_restore
from central.rotation import OLD_SEALING, SEALING, rotate_receipt_key, rotate_sealing_key
from central.store.database import Store
from central.store.schema import Kiosk
from central.usage import holders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EX_OK: Final = 0
EX_FAULT: Final = 1  # what was asked about is not in order
RESTART: Final = "in force from central's next start; take the terminals' new central.json to them"


def run(arguments: Sequence[str]) -> int:
    """Do one command; return the exit status.

    Raises ``OSError``, ``ValueError``, ``LookupError``, ``SQLAlchemyError``.
    """
    options = _parser().parse_args(arguments)
    if not (
        options.data / FOLDER / SEALING
    ).exists():  # or the command would make a central that looks like the right one
        raise ValueError(f"there is no central at {options.data}: {FOLDER}/{SEALING} is missing")
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", type=Path, required=True, help="central's folder")
    shared.add_argument("--database", default="", help="SQLAlchemy address, when it is not below --data")
    parser = argparse.ArgumentParser(prog="python -m central")
    commands = parser.add_subparsers(required=True)

    def add(to: Any, name: str, command: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = to.add_parser(name, help=words, parents=[shared])
        made.set_defaults(command=command)
        return made

    restore = add(commands, "restore-mark", _restore_mark, "the database was set back: ask terminals for what is lost")
    restore.add_argument("moment", type=_moment, help="ISO time with its zone up to which the database is whole")
    add(commands, "rotate-sealing-key", _rotate_sealing, "make a new key to seal to; the old ones still open")
    add(commands, "rotate-receipt-key", _rotate_receipt, "sign with the key announced as the next one")
    keys = commands.add_parser("keys", help="sealing keys").add_subparsers(required=True)
    add(keys, "list", _list_keys, "who may still report items sealed to which key")
    audit = commands.add_parser("audit", help="audits of terminals").add_subparsers(required=True)
    verify = add(audit, "verify", _verify_audit, "check a terminal's whole audit; name the first bad line")
    verify.add_argument("--kiosk", required=True)
    kiosk = commands.add_parser("kiosk", help="terminals").add_subparsers(required=True)
    add(kiosk, "list", _list_kiosks, "terminals and their states")
    add(kiosk, "keys", _kiosk_keys, "the terminals' public keys as JSON: with them a slip is checked without a line")
    for name, command, words in (
        ("revoke", _revoke, "take nothing from it any more"),
        ("clear", _clear, "let it in again as it is"),
        ("enrol-again", _enrol_again, "new token and certificate; its key and what it had are void"),
    ):
        add(kiosk, name, command, words).add_argument("kiosk")
    add_commands(commands, add)
    return parser


def _restore_mark(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.write() as session:
        note_restore(session, options.moment, SystemClock().now())
    store.close()
    _say(f"from central's next start terminals are asked for what came after {options.moment.isoformat()}")
    return EX_OK


def _rotate_sealing(options: argparse.Namespace) -> int:
    _say(f"{rotate_sealing_key(options.data / FOLDER)}: {RESTART}")
    return EX_OK


def _rotate_receipt(options: argparse.Namespace) -> int:
    _say(f"{rotate_receipt_key(options.data / FOLDER)}: {RESTART}")
    return EX_OK


def _list_keys(options: argparse.Namespace) -> int:
    keys, store = load_keys(options.data, SystemClock().now()), _store(options)
    with store.read() as session:
        for name, kiosks in holders(session, keys).items():
            if name == keys.seal_key_id:
                _say(f"{name}  present")
            elif kiosks:
                _say(f"{name}  needed: items may still come from {', '.join(kiosks)}")
            else:
                _say(f"{name}  may go: remove its file from {options.data / FOLDER / OLD_SEALING}")
    store.close()
    return EX_OK


def _verify_audit(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.read() as session:
        known = session.get(Kiosk, options.kiosk) is not None
        fault = first_fault(session, options.kiosk)
    store.close()
    if not known:
        raise LookupError(f"no terminal {options.kiosk} is enrolled")
    _say(fault or "every line that came is there and unchanged")
    return EX_FAULT if fault else EX_OK


def _list_kiosks(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.read() as session:
        for kiosk in session.scalars(select(Kiosk).order_by(Kiosk.id)):
            heard = "never heard" if kiosk.heard is None else f"heard {kiosk.heard.isoformat(timespec='seconds')}"
            _say(f"{kiosk.id}  {kiosk.state}  {kiosk.key_id or 'no key'}  {heard}")
    store.close()
    return EX_OK


def _kiosk_keys(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.read() as session:
        _say(json.dumps(public_keys(session), indent=1))
    store.close()
    return EX_OK


def _revoke(options: argparse.Namespace) -> int:
    return _change(options, lambda enrolment: enrolment.exclude(options.kiosk))


def _clear(options: argparse.Namespace) -> int:
    return _change(options, lambda enrolment: enrolment.clear(options.kiosk))


def _enrol_again(options: argparse.Namespace) -> int:
    return _change(options, lambda enrolment: enrolment.enrol_again(options.kiosk))


def _change(options: argparse.Namespace, change: Callable[[Enrolment], None]) -> int:
    clock, store = SystemClock(), _store(options)
    # The first terminal's folder knows central's address, which is central's own to choose when it starts.
    first = json.loads((options.data / "terminal" / "central.json").read_text("utf-8"))
    keys = load_keys(options.data, clock.now())
    change(Enrolment(store, keys, clock, data=options.data, url=first["url"], kiosks=[first["kiosk"]]))
    store.close()
    _say(f"{options.kiosk}: done")
    return EX_OK


def _store(options: argparse.Namespace) -> Store:
    return Store(options.database or database_in(options.data))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError("an ISO time with its zone, as 2026-11-21T02:00:00+00:00")
    return moment


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
