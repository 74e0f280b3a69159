"""``kioskctl audit``: the audit trail on this machine, checked and shown."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from kiosk.cli_places import File, Json, Profile, Site, State, looking_at, queue_file, refuse, told
from offline_queue import audit
from offline_queue.wire.identity import MAX_SEQ

app = typer.Typer(no_args_is_help=True, help="Check and show the audit trail of a terminal, also while it runs.")


@app.command()
def verify(state: State = None, file: File = None, profile: Profile = "community", settings: Site = None) -> None:
    """Check the chain; name the first line that was deleted, changed or moved."""
    with told():
        path = queue_file(file, state, profile, settings)
        with looking_at(path, still=True) as ledger:
            fault, row = audit.fault(ledger), ledger.state()
    if fault:
        refuse(f"{path}: {fault}. Keep the file and compare with central's: python -m central audit verify")
    first = max(1, row["audit_dropped"])
    if not row["audit_seq"]:
        typer.echo("whole: there is no line yet")
        return
    typer.echo(
        f"whole: lines {first} to {row['audit_seq']}, of which up to {row['audit_carried']} were put on their way"
        f" to central; the end is {row['audit_chain'].hex()}"
    )


@app.command()
def show(
    after: Annotated[int, typer.Option(min=0, max=MAX_SEQ, help="begin after the line of this number")] = 0,
    *,
    as_json: Json = False,
    state: State = None,
    file: File = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Print the lines: number and what happened."""
    with told(), looking_at(queue_file(file, state, profile, settings)) as ledger:
        for line in audit.lines(ledger, after):
            if as_json:
                typer.echo(json.dumps({"seq": line.seq, "line": line.line, "chain": line.chain.hex()}))
            else:
                typer.echo(f"{line.seq} {line.line}")
