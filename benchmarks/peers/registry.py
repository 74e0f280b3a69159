"""All rows of the tables, in their order."""

from __future__ import annotations

from functools import partial
from typing import Final

from benchmarks.peers.disk_cache import DiskCache
from benchmarks.peers.huey_storage import HueyStorage
from benchmarks.peers.lite_queue import LiteQueue
from benchmarks.peers.peer import Kind
from benchmarks.peers.persist_queue import PersistQueue
from benchmarks.peers.raw import Flush, Raw, RawAwaited
from benchmarks.peers.sqlite_utils_table import SqliteUtilsTable
from benchmarks.peers.tongban import Tongban, TongbanOnThread

RAW: Final = "raw sqlite3"
RAW_AWAITED: Final = "raw sqlite3, awaited"
OURS: Final = "Tongban, on its thread"
OURS_AWAITED: Final = "Tongban, awaited"
PERSIST_QUEUE: Final = "persist-queue"
LITE_QUEUE: Final = "litequeue, forced to FULL"

KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(RAW, Raw, durable=True, note="one table, no order, no seal, no proof", batches=True),
        Kind(OURS, TongbanOnThread, durable=True, note="sealed, chained, lanes, receipts", batches=True),
        Kind(RAW_AWAITED, RawAwaited, durable=True, note="on a thread of its own", batches=True),
        Kind(OURS_AWAITED, Tongban, durable=True, note="as the terminal uses it", batches=True),
        Kind(PERSIST_QUEUE, PersistQueue, durable=True, note="two commits an ack", keeps=True),
        Kind("litequeue, as shipped", partial(LiteQueue, full=False), durable=False, note="two commits an ack"),
        Kind(LITE_QUEUE, partial(LiteQueue, full=True), durable=True, note="two commits an ack", keeps=True),
        Kind("diskcache, as shipped", partial(DiskCache, full=False), durable=False, note="no ack", batches=True),
        Kind(
            "diskcache, forced to FULL",
            partial(DiskCache, full=True),
            durable=True,
            note="no ack; bodies over 32 KiB are never flushed",
            batches=True,
        ),
        Kind("huey", HueyStorage, durable=True, note="no ack"),
        Kind("sqlite-utils", SqliteUtilsTable, durable=True, note="a table, WAL and FULL set by us", batches=True),
        Kind(
            "append 4 KiB, flush", partial(Flush, append=True), durable=True, note="what the disk can do", takes=False
        ),
        Kind("overwrite 4 KiB, flush", partial(Flush, append=False), durable=True, note="the same", takes=False),
    )
}
