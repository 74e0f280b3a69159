"""``kioskctl queue``: look at a terminal's queue beside the running terminal. Never a body, never a person."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kiosk import queue_view
from kiosk.cli_carry import export, import_
from kiosk.cli_places import EXIT_REFUSED, File, Json, Profile, Site, State, looking_at, queue_file, refuse, told
from kiosk.keys import FILE_NAME
from offline_queue import audit, figures
from offline_queue.wire.identity import MAX_SEQ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kiosk.queue_view import Entry
    from offline_queue.ledger import Ledger

app = typer.Typer(
    no_args_is_help=True, help="Look at the queue of a terminal, also while it runs; carry it by hand; check it."
)
app.command()(export)
app.command("import")(import_)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PLACES = {
    "new": "put, not sorted in yet",
    "ready": "may be sent",
    "put_off": "may be sent later",
    "waiting": "behind another item of its lane",
    "held": "set aside without central's verdict; its lane waits",
    "rejected": "set aside, rejected by central",
    "delivered": "in central's custody",
}
"""What stands in the column ``place``."""


@app.command()
def stats(
    *,
    as_json: Json = False,
    state: State = None,
    file: File = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Show the figures of the queue."""
    with told():
        path = queue_file(file, state, profile, settings)
        with looking_at(path, still=True) as ledger:
            found = figures_of(ledger, path)
    _answer(found, as_json=as_json)


@app.command("ls")
def list_(
    place: Annotated[str, typer.Option(help=f"only items of this place: {', '.join(PLACES)}")] = "",
    *,
    as_json: Json = False,
    state: State = None,
    file: File = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """List the items, one line each: seq, place, kind, priority, age, size, attempts, reason."""
    if place and place not in PLACES:
        refuse(f"--place {place}: there is no such place; there are {', '.join(PLACES)}")
    with told(), looking_at(queue_file(file, state, profile, settings)) as ledger:
        for entry in _entries(ledger):
            if place in {"", entry.place}:
                typer.echo(json.dumps(_told(entry)) if as_json else _row(entry))


@app.command()
def show(
    seq: Annotated[int, typer.Argument(min=1, max=MAX_SEQ, help="number of the item")],
    *,
    as_json: Json = False,
    state: State = None,
    file: File = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Show all there is to know of one item but its content, which this machine cannot read."""
    with told():
        path = queue_file(file, state, profile, settings)
        with looking_at(path, still=True) as ledger:
            entry, receipt = queue_view.entry(ledger, seq), ledger.item_state(seq).receipt
    if entry is None and receipt is None:
        refuse(f"{path} has no item {seq}: it was never put, or its receipt is older than the retention")
    found: dict[str, Any] = {"seq": seq, "place": "delivered"} if entry is None else _told(entry)
    if receipt is not None:
        found["receipt"] = {
            "verdict": receipt.word.verdict.value,
            "first_verdict": None if receipt.word.first_verdict is None else receipt.word.first_verdict.value,
            "reason": receipt.word.reason,
            "central_time": receipt.reply.central_time.isoformat(),
            "key_id": receipt.reply.key_id,
            "fingerprint": receipt.word.fingerprint.hex(),
        }
    _answer(found, as_json=as_json)


@app.command()
def verify(
    *,
    as_json: Json = False,
    state: State = None,
    file: File = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Walk the chain from end to end and name each item that is not as it was stored; status 1 when there is one."""
    with told():
        path = queue_file(file, state, profile, settings)
        mark = queue_view.mark_beside(path)  # before the file: a running terminal writes it after
        with looking_at(path) as ledger:
            walk, problems = queue_view.Walk(), list[queue_view.Problem]()
            while (found := queue_view.verify(ledger, walk)) is not None:
                problems += found
            problems += queue_view.beyond_the_end(ledger, mark)
    if as_json:
        said = [{"seq": problem.seq, "what": problem.what} for problem in problems]
        typer.echo(json.dumps({"checked": walk.checked, "problems": said, "mark": mark is not None}))
    else:
        for problem in problems:
            typer.echo(f"item {problem.seq}: {problem.what}")
        typer.echo(f"{walk.checked} items checked, {len(problems) or 'no'} problems")
        if mark is None:
            typer.echo("there is no mark beside the file: whether its newest items are all there cannot be told")
    if problems:
        raise typer.Exit(EXIT_REFUSED)


def _entries(ledger: Ledger) -> Iterator[Entry]:
    after = 0
    while page := queue_view.entries(ledger, after=after):
        yield from page
        after = page[-1].seq


def figures_of(ledger: Ledger, path: Path) -> dict[str, Any]:
    """Return the figures of the queue at ``path``, as plain values."""
    row, head, now = ledger.state(), ledger.load_head(), datetime.now(UTC)
    oldest = ledger.sql.one("oldest_ready")
    if row["boot_id"] == BOOT_ID.read_text(encoding="ascii").strip():
        age_s = figures.oldest_age_s(ledger)
    else:  # the machine began anew, the terminal has not
        age_s = 0.0 if oldest is None else max(0.0, now.timestamp() - float(oldest["put_at"]))
    last = row["last_receipt_at"]
    key = path.with_name(FILE_NAME)
    return {
        "file": str(path),
        "kiosk": head.kiosk,
        "epoch": head.epoch,
        "key": "file" if key.exists() else "no file: in a token, or not made yet",
        "last_seq": head.seq,
        "pending": head.seq - row["done_items"],
        "pending_bytes": head.total - row["done_bytes"],
        "quarantined": row["quarantined"],
        "oldest_age_s": round(age_s, 1),
        "last_receipt": None if last is None else datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds"),
        "clock": figures.clock_trust(now.timestamp(), row).value,
        "link_failures": row["link_failures"],
        "audit_lines": row["audit_seq"],
        "audit_not_sent": audit.uncarried(ledger),
        "file_bytes": path.stat().st_size,
        "disk_free_bytes": shutil.disk_usage(path.parent).free,
    }


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "place": entry.place,
        "kind": entry.kind,
        "priority": entry.priority,
        "put_at": entry.put_at.isoformat(timespec="seconds"),
        "size": entry.size,
        "attempts": entry.attempts,
        "reason": entry.reason,
        "epoch": entry.epoch,
        "lane": entry.lane,
        "key_id": entry.key_id,
        "fingerprint": entry.fingerprint,
    }


def _row(entry: Entry) -> str:
    age = _age((datetime.now(UTC) - entry.put_at).total_seconds())
    return (
        f"{entry.seq:>7} {entry.place:<9} {entry.kind:<8} {entry.priority} {age:>6} {entry.size:>9}"
        f" {entry.attempts:>3} {entry.reason}"
    ).rstrip()


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def _answer(found: dict[str, Any], *, as_json: bool) -> None:
    """Print a flat table, or JSON."""
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        if isinstance(value, dict):
            typer.echo(f"{name}:")
            for inner, said in value.items():
                typer.echo(f"  {inner + ':':<16} {'-' if said in {None, ''} else said}")
        else:
            typer.echo(f"{name + ':':<18} {'-' if value in {None, ''} else value}")
