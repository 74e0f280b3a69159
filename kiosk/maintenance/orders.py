"""Work orders: who may open this machine, from when to when, for what. Signed by central, kept for when it is away.

On the wire an order is ``{"order": TEXT, "key_id": NAME, "signature": BASE64}``; ``TEXT`` is JSON, and the signature is
central's receipt key over ``canonical("tongban/work-order/1", [TEXT])``: exactly the bytes that came are checked.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import enum
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from kiosk.maintenance.keeping import keep, kept
from offline_queue.wire import SignatureError, canonical, verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from offline_queue.wire import PublicKey

LABEL: Final = "tongban/work-order/1"
FILE: Final = "orders.json"
MOST_ORDERS: Final = 50  # open at one machine; more is no order any more
MOST_CHARACTERS: Final = 8192  # of one order


class Role(enum.StrEnum):
    """What a technician's card says its holder is (the certificate's OU)."""

    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"


class OrderProblem(enum.StrEnum):
    """Why an order opens nothing. Closed; each has words."""

    UNKNOWN = "order.unknown"
    OTHER_MACHINE = "order.other_machine"
    OTHER_TECHNICIAN = "order.other_technician"
    OTHER_ROLE = "order.other_role"
    EARLY = "order.early"
    LATE = "order.late"
    CLOSED = "order.closed"


class OrderRefused(Exception):
    """The order does not open this machine to this technician now."""

    def __init__(self, problem: OrderProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """One order. ``fault`` is an alarm's code and ``subject`` a device's role: what is wrong. ``parts``: to bring."""

    number: str
    kiosk: str
    technician: str
    role: Role
    begins: datetime
    ends: datetime
    fault: str = ""
    subject: str = ""
    parts: tuple[str, ...] = ()
    state: str = "open"
    revision: int = 1  # counted up when central opens a closed order again
    back: datetime | None = None  # when residents are told the machine is expected back; ``ends`` where not given


def read_order(text: str) -> WorkOrder:
    """Read the signed text. Raises ``ValueError``, ``KeyError``, ``TypeError``."""
    said = json.loads(text)
    begins, ends = datetime.fromisoformat(said["from"]), datetime.fromisoformat(said["to"])
    if begins.tzinfo is None or ends.tzinfo is None or begins >= ends:
        raise ValueError("an order needs a window of time with its zone")
    back = datetime.fromisoformat(said["back"]) if said.get("back") else None
    return WorkOrder(
        back=back,
        revision=int(said.get("revision", 1)),
        number=str(said["number"]),
        kiosk=str(said["kiosk"]),
        technician=str(said["technician"]),
        role=Role(said["role"]),
        begins=begins,
        ends=ends,
        fault=str(said.get("fault", "")),
        subject=str(said.get("subject", "")),
        parts=tuple(str(part) for part in said.get("parts", ())),
        state=str(said.get("state", "open")),
    )


def verified(found: object, keys: Mapping[str, PublicKey]) -> WorkOrder | None:
    """Return the order in ``found`` when central signed it; ``None`` for anything else."""
    if not isinstance(found, dict):
        return None
    try:
        text, name = str(found["order"]), str(found["key_id"])
        if len(text) > MOST_CHARACTERS:
            return None
        signature = base64.b64decode(str(found["signature"]), validate=True)
        verify(keys.get(name), canonical(LABEL, [text]), signature)
        return read_order(text)
    except (SignatureError, ValueError, KeyError, TypeError, binascii.Error, RecursionError):
        return None


class Orders:
    """The orders of this machine, as central signed them; the file is checked anew each time it is read."""

    def __init__(self, folder: Path, kiosk: str, keys: Mapping[str, PublicKey]) -> None:
        self._path = folder / FILE
        self._kiosk = kiosk
        self._keys = keys
        self._raw: list[object] = []
        self._done: set[str] = set()  # number/revision, closed here; central may not know yet
        found = kept(self._path)
        if isinstance(found, dict):
            self._raw = list(found.get("orders", ()))[:MOST_ORDERS]
            self._done = {str(number) for number in found.get("done", ())}

    async def take(self, found: Sequence[object]) -> int:
        """Take what central answered; return how many are sound. Raises ``OSError``.

        Central's answer is the whole list: what is not in it any more was withdrawn. A list without one sound order in
        it, though not empty, changes nothing: a broken answer must not lock the technician out.
        """
        sound = [one for one in found[:MOST_ORDERS] if verified(one, self._keys) is not None]
        if found and not sound:
            return 0
        self._done &= {_name(order) for one in sound if (order := verified(one, self._keys))}
        if sound != self._raw:
            self._raw = sound
            await self._keep()
        return len(sound)

    def all(self) -> tuple[WorkOrder, ...]:
        """Return every sound order for this machine that is open."""
        found = (verified(one, self._keys) for one in self._raw)
        mine = (one for one in found if one is not None and one.kiosk == self._kiosk and one.state == "open")
        return tuple(sorted((one for one in mine if _name(one) not in self._done), key=lambda one: one.number))

    def open(self, number: str, technician: str, role: Role, now: datetime) -> WorkOrder:
        """Return order ``number`` when it opens this machine to this technician now. Raises ``OrderRefused``."""
        found = [one for raw in self._raw if (one := verified(raw, self._keys)) and one.number == number]
        if not found:
            raise OrderRefused(OrderProblem.UNKNOWN)
        order = found[0]
        for problem, wrong in (
            (OrderProblem.OTHER_MACHINE, order.kiosk != self._kiosk),
            (OrderProblem.OTHER_TECHNICIAN, order.technician != technician),
            (OrderProblem.OTHER_ROLE, order.role is Role.SUPERVISOR and role is not Role.SUPERVISOR),
            (OrderProblem.CLOSED, order.state != "open" or _name(order) in self._done),
            (OrderProblem.EARLY, now < order.begins),
            (OrderProblem.LATE, now >= order.ends),
        ):
            if wrong:
                raise OrderRefused(problem)
        return order

    async def close(self, order: WorkOrder) -> None:
        """Note that the work is done: the order opens nothing any more, heard by central or not. Raises ``OSError``."""
        self._done.add(_name(order))
        await self._keep()

    async def _keep(self) -> None:
        await asyncio.to_thread(keep, self._path, {"orders": self._raw, "done": sorted(self._done)})


def _name(order: WorkOrder) -> str:
    return f"{order.number}/{order.revision}"
