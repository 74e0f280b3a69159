"""``kioskctl queue export`` and ``import``: a queue carried by hand, see docs/how-to/carry-a-queue.md."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.anchors import check_connection, read_anchors, read_token
from kiosk.carry import delivery as carry
from kiosk.carry import file as carry_file
from kiosk.carry import plan as carry_plan
from kiosk.carry.file import CarryError, Head
from kiosk.cli_places import (
    EXIT_REFUSED,
    Json,
    Profile,
    Site,
    State,
    load_settings,
    looking_at,
    queue_file,
    refuse,
    told,
)
from kiosk.errors import SettingsError
from kiosk.keys import open_key
from offline_queue.errors import QueueCode, QueueError
from offline_queue.http import HttpSender
from offline_queue.outbox import Outbox
from offline_queue.wire import Verdict

if TYPE_CHECKING:
    from kiosk.anchors import Anchors
    from kiosk.carry.delivery import Delivery
    from kiosk.carry.file import CarryFile
    from kiosk.settings import Settings
    from offline_queue.values import Alarm

CARRIED = "/v1/carried"
REPLIES = ".replies"

Target = Annotated[Path, typer.Argument(help="the file to write, such as K0001.tbq on a stick")]
Source = Annotated[Path, typer.Argument(help="a file export wrote, or the .replies file import wrote beside it")]


def export(
    file: Target,
    *,
    as_json: Json = False,
    state: State = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Write all that waits into a sealed file somebody carries to another terminal; nothing leaves the queue."""
    with told():
        chosen = load_settings(profile, state, settings)
        path = queue_file(None, state, profile, settings)
        with looking_at(path, still=True) as ledger:
            head = ledger.load_head()
            if head.kiosk != chosen.terminal.kiosk:
                refuse(f"{path} is the queue of {head.kiosk}, the settings are of {chosen.terminal.kiosk}")
            plan = carry_plan.plan(ledger)
            if plan.batches:
                key = open_key(chosen, create=False)
                try:
                    lines = carry_plan.signed_batches(ledger, plan.batches, key.sign)
                    now = datetime.now(UTC)
                    first = Head(
                        format=carry_file.QUEUE, kiosk=head.kiosk, epoch=head.epoch, created=now, count=plan.count
                    )
                    carry_file.write(file, first, lines)
                finally:
                    key.close()
    if as_json:
        typer.echo(json.dumps({"items": plan.count, "batches": len(plan.batches), "stays": plan.stays}))
    elif plan.batches:
        typer.echo(
            f"{plan.count} items in {len(plan.batches)} batches are in {file}; all of them are still in the queue"
        )
    else:
        typer.echo("nothing waits that could be carried: no file was written")
    if plan.stays and not as_json:
        shown = ", ".join(str(seq) for seq in plan.stays)
        typer.echo(f"these stay, set aside or behind one that is (kioskctl queue ls --place held): {shown}", err=True)


def import_(
    file: Source,
    *,
    as_json: Json = False,
    state: State = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Hand a carried file in at central, or bring central's replies home; both may be done again without harm."""
    with told():
        carried = carry_file.read(file)
        chosen = load_settings(profile, state, settings)
        if carried.head.format == carry_file.QUEUE:
            found, fine = asyncio.run(_hand_in(carried, chosen))
        else:
            path = queue_file(None, state, profile, settings)
            found, fine = asyncio.run(_bring_home(carried, chosen, path))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        for name, value in found.items():
            typer.echo(f"{name.replace('_', ' ')}: {'; '.join(value) if isinstance(value, list) else value}")
    if not fine:
        raise typer.Exit(EXIT_REFUSED)


async def _hand_in(carried: CarryFile, settings: Settings) -> tuple[dict[str, object], bool]:
    """Post the batches as this machine, keep the replies; return what became of them, and whether all is in."""
    problems: list[str] = []
    central = settings.central
    anchors, token = read_anchors(central, problems), read_token(central, problems)
    check_connection(central, problems)
    if problems or anchors is None:
        raise SettingsError(problems)
    sender = HttpSender(
        central.url,
        kiosk=settings.terminal.kiosk,
        ca_file=Path(central.tls_ca),
        token=lambda: token,
        cert=(Path(central.tls_client), Path(central.tls_client)) if central.tls_client else None,
        path=CARRIED,
    )
    try:
        done = await carry.deliver(carried, sender, anchors.receipt_keys, asyncio.sleep)
    finally:
        await sender.close()
    replies = _keep(carried, done)
    found: dict[str, object] = {verdict.value: done.verdicts[verdict] for verdict in Verdict}
    found |= {"not_sent": done.not_sent, "refused": done.refused, "trouble": done.trouble}
    found["replies"] = str(replies) if replies is not None else "none yet"
    fine = not (done.refused or done.trouble or done.not_sent or done.verdicts[Verdict.DEFERRED])
    if not fine:
        found["to_do"] = "what got no verdict is still in its terminal's queue: import the same file again later"
    return found, fine


def _keep(carried: CarryFile, done: Delivery) -> Path | None:
    """Write the replies beside the file, with those an earlier import got; return where."""
    path = carried.path.with_name(carried.path.name + REPLIES)
    kept: dict[tuple[str, int], bytes] = {}
    if path.exists():
        earlier = carry_file.read(path)
        if earlier.head.of != carried.digest:
            raise CarryError(f"{path} has replies to another file: take it away first")
        kept = carry.encoded_replies(earlier)
    kept |= done.replies
    if not kept:
        return None
    head = Head(
        format=carry_file.REPLIES,
        kiosk=carried.head.kiosk,
        epoch=carried.head.epoch,
        created=datetime.now(UTC),
        count=len(kept),
        of=carried.digest,
    )
    carry_file.write(path, head, [kept[place] for place in sorted(kept)], replace=True)
    return path


async def _bring_home(carried: CarryFile, settings: Settings, path: Path) -> tuple[dict[str, object], bool]:
    """Settle what the replies prove. The terminal must be stopped: one process owns a queue."""
    if carried.head.kiosk != settings.terminal.kiosk:
        raise CarryError(f"{carried.path} has replies for {carried.head.kiosk}, this is {settings.terminal.kiosk}")
    problems: list[str] = []
    anchors = read_anchors(settings.central, problems)
    if problems or anchors is None:
        raise SettingsError(problems)
    alarms: list[Alarm] = []
    outbox = await _opened(path, settings, anchors, alarms)
    delivered = rejected = deferred = 0
    refused: list[str] = []
    try:
        for number, reply in carry.replies(carried):
            settlement = await outbox.settle(reply)
            delivered += len(settlement.delivered)
            rejected += len(settlement.rejected)
            deferred += len(settlement.deferred)
            refused += [f"line {number}: {one.why}" for one in settlement.refused]
        left = (await outbox.stats()).pending
    finally:
        await outbox.close()
    found: dict[str, object] = {"delivered": delivered, "rejected": rejected, "deferred": deferred, "refused": refused}
    found |= {"pending": left, "alarms": [f"{alarm.code} {alarm.seq or ''}".strip() for alarm in alarms]}
    return found, not refused


async def _opened(path: Path, settings: Settings, anchors: Anchors, alarms: list[Alarm]) -> Outbox:
    try:
        return await Outbox.open(
            path,
            kiosk=settings.terminal.kiosk,
            central_key=anchors.seal_key,
            central_key_id=anchors.seal_key_id,
            receipt_keys=anchors.receipt_keys,
            now=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
            on_alarm=alarms.append,
        )
    except QueueError as error:
        if error.code is QueueCode.LOCKED:
            raise CarryError(f"the terminal is running on {path}: stop it, import again, start it again") from None
        raise
