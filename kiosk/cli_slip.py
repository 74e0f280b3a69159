"""``kioskctl slip``: check the code on a resident's slip with nothing but the kiosks' public keys."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it runs
from typing import Annotated

import typer

from kiosk.cli_places import Json, told
from kiosk.documents.slip_code import verify_slip

app = typer.Typer(no_args_is_help=True, help="Check the codes on slips.")


@app.callback()
def slip() -> None:
    """Keep the name of the one command in the command line."""


@app.command()
def verify(
    code: Annotated[str, typer.Argument(help="the text of the QR code, as a scanner types it")],
    keys: Annotated[Path, typer.Option(help="the kiosks' public keys: what central answers at /v1/kiosks/keys")],
    *,
    as_json: Json = False,
) -> None:
    """Say what a kiosk signed on a slip, or why the code proves nothing."""
    with told():
        proof = verify_slip(code, keys)
    said = {
        "kiosk": proof.kiosk,
        "number": proof.number,
        "taken_at": proof.taken_at.isoformat(),
        "epoch": proof.epoch,
        "seq": proof.seq,
        "fingerprint": proof.fingerprint.hex(),
        "key_id": proof.key_id,
    }
    if as_json:
        typer.echo(json.dumps(said))
        return
    typer.echo(f"genuine: kiosk {proof.kiosk} took case {proof.number} in at {proof.taken_at:%Y-%m-%d %H:%M:%S} UTC")
    typer.echo(f"item {proof.seq} of epoch {proof.epoch}, signed by {proof.key_id}")
    typer.echo(f"sealed content SHA-256 {proof.fingerprint.hex()}")
