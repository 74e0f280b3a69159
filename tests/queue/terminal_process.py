"""A terminal to be killed: puts numbered items and delivers them, telling each durable put on standard output.

Arguments: database, central's URL, sealing key (hex), receipt key (hex), number of visits.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from offline_queue import wire
from offline_queue.courier import Courier
from offline_queue.http import HttpSender
from offline_queue.outbox import Outbox


async def main() -> None:
    path, url, sealing, receipts, visits = sys.argv[1:]
    outbox = await Outbox.open(
        Path(path),
        kiosk="hall-03",
        central_key=wire.load_sealing_key(bytes.fromhex(sealing)),
        central_key_id="central-1",
        receipt_keys={"receipts-1": Ed25519PublicKey.from_public_bytes(bytes.fromhex(receipts))},
        now=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
    )
    sender = HttpSender(url, kiosk="hall-03", ca_file=None, token=lambda: "secret")
    courier = Courier(outbox, sender, monotonic=time.monotonic, chance=lambda: 0.01)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(courier.run())
        courier.nudge()
        for _ in range(int(visits)):
            lane = f"v-{time.monotonic_ns()}"
            with outbox.begin_visit(lane) as key:
                for _ in range(3):
                    number = await outbox.next_number("slip", "2026-11-03")
                    item_id = await outbox.put(key, "case", str(number).encode())
                    sys.stdout.write(f"{item_id.seq} {number} {lane}\n")
                    sys.stdout.flush()
        while (await outbox.stats()).pending:  # noqa: ASYNC110 - items of the process before this one have no waiter
            await asyncio.sleep(0.01)
        task.cancel()
    await sender.close()
    await outbox.close()


asyncio.run(main())
