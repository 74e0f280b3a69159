"""Batches in, decisions and documents out."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from central.api.access import OfficeParts, OwnKiosk, Terminal, refuse
from central.effects import PENDING
from central.intake import IN_WORK_RETRY_S, BatchRefused, Taken
from central.office import Office
from central.rules import REASONS
from central.store.schema import Case, Document, Rating
from offline_queue.wire import MAX_REQUEST_BYTES

router = APIRouter(prefix="/v1")
MAX_WAIT_S = 20.0
CONFLICT = 409
FLIP_FROM_END = 3  # where the tampering fault alters a byte: inside the file's last third


@router.post("/kiosks/{kiosk}/batches")
async def take_batch(kiosk: OwnKiosk, request: Request, office: OfficeParts) -> Response:
    """Take a batch of sealed items into custody; see ``offline_queue.wire`` for both bodies."""
    raw = await _body(request)
    return await _answer(office, partial(office.intake.take, kiosk, raw))


@router.post("/carried")
async def take_carried(_caller: Terminal, request: Request, office: OfficeParts) -> Response:
    """Take a batch another terminal signed and somebody carried here; the answer is the one it would have got."""
    raw = await _body(request)
    return await _answer(office, partial(office.intake.take_carried, raw))


@router.get("/kiosks/{kiosk}/cases/{epoch}/{seq}/decision")
async def decision(
    kiosk: OwnKiosk,
    epoch: str,
    seq: int,
    office: OfficeParts,
    wait_s: Annotated[float, Query(ge=0, le=MAX_WAIT_S)] = 0,
) -> dict[str, Any]:
    """Return the decision on a case; waits for it up to ``wait_s`` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    while True:
        rung = office.bell.next_ring()
        found = await run_in_threadpool(_decision, office, kiosk, epoch, seq)
        left = until - loop.time()
        if found["state"] != PENDING or left <= 0 or office.bell.closed:
            return found
        try:
            async with asyncio.timeout(left):
                await rung.wait()
        except TimeoutError:
            return found


@router.get("/documents/{document}", response_class=Response)
def fetch_document(document: str, office: OfficeParts, caller: Terminal) -> Response:
    """Return a sealed document to the terminal whose case it answers, and to no other."""
    with office.store.read() as session:
        found = session.get(Document, document)
    if found is None or found.kiosk != caller:
        refuse(404, "document_unknown")
    content = found.content
    if office.switches.now.tamper_document == "flip_byte":
        altered = bytearray(content)
        altered[len(altered) // FLIP_FROM_END] ^= 0x01
        content = bytes(altered)
    headers = {"Cache-Control": "no-store", "Content-Disposition": "inline"}
    return Response(content, media_type="application/pdf", headers=headers)


@router.get("/progress/{number}")
def progress(number: str, office: OfficeParts, caller: Terminal) -> dict[str, str]:
    """Tell how a case goes, by the number on its slip: the state and nothing else."""
    wait_s = office.numbers.wait_s(caller)
    if wait_s > 0:
        refuse(429, "too_many_wrong_numbers", {"Retry-After": str(int(wait_s) + 1)})
    with office.store.read() as session:
        query = select(Case.state, Case.updated).where((Case.local_number == number) | (Case.number == number))
        found = session.execute(query.order_by(Case.received.desc()).limit(1)).one_or_none()
    if found is None:
        office.numbers.missed(caller)
        refuse(404, "number_unknown")
    return {"state": found[0], "updated": found[1].isoformat()}


@router.get("/ratings")
def ratings(office: OfficeParts, _caller: Terminal) -> dict[str, Any]:
    """Sum up what residents thought."""
    with office.store.read() as session:
        query = select(Rating.service, Rating.grade, func.count()).group_by(Rating.service, Rating.grade)
        counted = [(service, grade, count) for service, grade, count in session.execute(query)]
    total = sum(count for _, _, count in counted)
    by_grade = {str(grade): sum(n for _, one, n in counted if one == grade) for grade in range(1, 6)}
    services: dict[str, dict[str, Any]] = {}
    for service, grade, count in counted:
        entry = services.setdefault(service, {"count": 0, "sum": 0})
        entry["count"] += count
        entry["sum"] += grade * count
    by_service = {
        code: {"count": entry["count"], "average": round(entry["sum"] / entry["count"], 2)}
        for code, entry in services.items()
    }
    average = round(sum(grade * count for _, grade, count in counted) / total, 2) if total else None
    return {"count": total, "average": average, "grades": by_grade, "services": by_service}


async def _answer(office: Office, take: Callable[[], Taken]) -> Response:
    try:
        taken = await run_in_threadpool(take)
    except BatchRefused as refusal:
        detail = {"detail": {"code": refusal.code, "problems": list(refusal.problems)}}
        headers = {"Retry-After": str(IN_WORK_RETRY_S)} if refusal.status == CONFLICT else None
        return Response(json.dumps(detail), refusal.status, headers, media_type="application/json")
    if taken.new_cases:
        office.worker.look()
    if office.switches.lose_reply():
        refuse(500, "reply_lost")
    return Response(taken.reply, media_type="application/json")


async def _body(request: Request) -> bytes:
    """Read the request, but never more than a batch may have."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        refuse(415, "not_json")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_REQUEST_BYTES:
            refuse(413, "batch_too_large")
        parts.append(part)
    return b"".join(parts)


def _decision(office: Office, kiosk: str, epoch: str, seq: int) -> dict[str, Any]:
    with office.store.read() as session:
        case = session.get(Case, (kiosk, epoch, seq))
        document = session.get(Document, case.document) if case is not None and case.document else None
    if case is None:
        refuse(404, "case_unknown")
    return {
        "state": case.state,
        "case_number": case.number,
        "promise": case.promise.isoformat() if case.promise else None,
        "first_reply": case.first_reply.isoformat() if case.first_reply else None,
        "reason": dict(REASONS[case.reason]) if case.reason else None,
        "reason_code": case.reason or None,
        "document": {"id": document.id, "sha256": document.sha256, "pages": document.pages, "media": "A4"}
        if document is not None
        else None,
    }
