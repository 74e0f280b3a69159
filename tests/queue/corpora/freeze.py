"""Write the corpus of the present schema: nine items in every state.

Run by hand, once a schema, before its release, in the project's root; a frozen file is never written again::

    python -m tests.queue.corpora.freeze 0002_kept_bodies
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from offline_queue import wire
from tests.queue.conftest import Rig
from tests.queue.moves import settle

FOLDER = Path(__file__).parent
LANES = (("v-a", 2), ("v-b", 1), ("v-c", 3), ("v-d", 2), ("v-e", 1))


def known_keys(rig: Rig) -> None:
    """Give a rig the keys all corpora are made with."""
    rig.central.sealing = X25519PrivateKey.from_private_bytes(b"\1" * 32)
    rig.central.signing = Ed25519PrivateKey.from_private_bytes(b"\2" * 32)


async def fill(rig: Rig) -> None:
    """Make the queue every corpus holds: 1 and 3 delivered, 2 rejected, 4 held, 7 put off, 9 ready, the rest wait."""
    outbox = await rig.open()
    for lane, count in LANES:
        with outbox.begin_visit(lane) as key:
            for n in range(count):
                await outbox.put(key, "case", f"{lane}/{n}".encode(), priority=4 if n else 3)
    await settle(rig, outbox, 1, 3)
    await settle(rig, outbox, 2, verdict=wire.Verdict.REJECTED, reason="service_unknown")
    await outbox.quarantine(4, "poison")
    await outbox.transact(lambda ledger: ledger.put_off([7], 60.0))
    for _ in range(3):
        await outbox.next_number("slip", "2026-11-03")
    await outbox.close()


def main() -> None:
    """Write one corpus."""
    target = FOLDER / f"{sys.argv[1]}.sql"
    if target.exists():
        raise SystemExit(f"{target.name} is frozen")
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        known_keys(rig)
        asyncio.run(fill(rig))
        connection = sqlite3.connect(rig.path)
        target.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")
        connection.close()


if __name__ == "__main__":
    main()
