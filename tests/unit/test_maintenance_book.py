from __future__ import annotations

import asyncio
import io
import json

import pytest

from devices.testing.device import until
from devices.values import Pii
from kiosk.clock import ManualClock
from kiosk.event_log import EventLog
from kiosk.maintenance import book as book_module
from kiosk.maintenance.book import Book, EntryKind, entries
from kiosk.maintenance.found_items import FoundItems, FoundKind, FoundProblem, read_found
from offline_queue.errors import QueueError


class Shelf:
    """Opens books on one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = ManualClock()
        self.sent = []
        self.deaf = False
        self.out = io.StringIO()

    def open(self):
        async def send(entry):
            if self.deaf:
                raise QueueError("full")
            self.sent.append(entry)

        return Book(self.folder, self.clock, EventLog(self.clock, self.out), send)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


async def test_a_torn_last_line_costs_that_line_only_and_is_told(shelf):
    book = shelf.open()
    await book.write(EntryKind.OPENED, who="T-0042", order="260001")
    await book.write(EntryKind.TEST, subject="camera", outcome="passed")
    path = shelf.folder / "book.jsonl"
    path.write_bytes(path.read_bytes()[:-7])
    again = shelf.open()
    assert [entry.kind for entry in again.entries()] == [EntryKind.OPENED]
    async with asyncio.TaskGroup() as group:
        running = group.create_task(again.run())
        await until(lambda: len(again.entries()) == 2)
        running.cancel()
    assert again.entries()[-1].kind is EntryKind.TORN
    assert [entry.n for entry in entries(shelf.folder)] == [1, 2]


async def test_a_line_spoiled_in_the_middle_does_not_hide_its_neighbours(shelf):
    book = shelf.open()
    for name in ("a", "b", "c"):
        await book.write(EntryKind.TEST, subject=name)
    path = shelf.folder / "book.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[1] = b"\xff\x00" + lines[1][2:]
    path.write_bytes(b"\n".join(lines))
    assert [entry.subject for entry in shelf.open().entries()] == ["a", "c"]


async def test_the_book_stays_bounded_and_numbers_go_on(shelf, monkeypatch):
    monkeypatch.setattr(book_module, "MOST_BYTES", 400)
    book = shelf.open()
    for _ in range(40):
        await book.write(EntryKind.TEST, subject="camera", outcome="passed")
    files = sorted(path.name for path in shelf.folder.glob("book*.jsonl"))
    assert len(files) == 5
    assert all((shelf.folder / name).stat().st_size <= 400 for name in files)
    found = entries(shelf.folder)
    assert found[-1].n == 40
    assert [entry.n for entry in found] == list(range(found[0].n, 41))
    assert (await shelf.open().write(EntryKind.TEST)).n == 41


async def test_personal_values_cannot_get_into_the_book(shelf):
    book = shelf.open()
    with pytest.raises(TypeError):
        await book.write(EntryKind.FOUND, name=Pii("测试·张老伯"))
    assert not book.entries()


async def test_each_entry_goes_to_the_audit_and_to_central_in_order_also_after_a_restart(shelf):
    shelf.deaf = True
    book = shelf.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(book.run())
        for n in range(3):
            await book.write(EntryKind.TEST, subject=str(n))
        await shelf.clock.settle()
        running.cancel()
    assert not shelf.sent
    assert [json.loads(line)["event"] for line in shelf.out.getvalue().splitlines()] == ["ServiceNoted"] * 3
    shelf.deaf = False
    again = shelf.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(again.run())
        await until(lambda: len(shelf.sent) == 3)
        running.cancel()
    assert [entry["subject"] for entry in shelf.sent] == ["0", "1", "2"]


async def test_a_full_disk_leaves_no_half_line(shelf, monkeypatch):
    book = shelf.open()
    await book.write(EntryKind.TEST, subject="a")
    real = book_module.os.fsync

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(book_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        await book.write(EntryKind.TEST, subject="b")
    monkeypatch.setattr(book_module.os, "fsync", real)
    await book.write(EntryKind.TEST, subject="c")
    assert [(entry.n, entry.subject) for entry in entries(shelf.folder)] == [(1, "a"), (2, "c")]


async def test_no_found_item_is_lost_over_a_restart(tmp_path):
    items = FoundItems(tmp_path)
    first = await items.record(FoundKind.ID_CARD, "bag-0001", "id_reader", at="2026-11-21T02:00:00+00:00", by="T-0042")
    await items.record(FoundKind.PAPER, "BAG-0002", "document_camera", at="2026-11-21T02:01:00+00:00", by="T-0042")
    again = FoundItems(tmp_path)
    assert [item.bag for item in again.open()] == ["BAG-0001", "BAG-0002"]
    assert again.open()[0].kind is FoundKind.ID_CARD
    await again.close(first.number)
    assert [item.number for item in read_found(tmp_path)[1]] == [2]
    third = await FoundItems(tmp_path).record(FoundKind.OTHER, "BAG-0003", "", at="", by="T-0042")
    assert third.number == 3


@pytest.mark.parametrize("bag", ["999999195203070019", "bag with blanks", "AB", ""])
async def test_a_persons_number_is_no_number_of_a_bag(tmp_path, bag):
    with pytest.raises(FoundProblem):
        await FoundItems(tmp_path).record(FoundKind.CASH, bag, "", at="", by="T-0042")


async def test_a_bag_holds_one_item(tmp_path):
    items = FoundItems(tmp_path)
    await items.record(FoundKind.CASH, "BAG-1", "", at="", by="T-0042")
    with pytest.raises(FoundProblem):
        await items.record(FoundKind.CASH, "bag-1", "", at="", by="T-0042")
