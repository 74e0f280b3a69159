"""Dialogues as data, and what drivers' bytes are checked with when no machine is there."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from devices.drivers.sdt_frames import Command, Status
from devices.drivers.sdt_link import SdtLink
from devices.errors import DeviceCode, DeviceProtocolError, DeviceUnavailable
from devices.transport.scripted import Exchange, Script, ScriptedWire

FRAMES = {
    frame["name"]: frame["hex"]
    for frame in json.loads((Path(__file__).parent / "vectors/sdt-frames.json").read_text(encoding="utf-8"))["frames"]
}
OPENING = f"""
# the number first: it ends what an earlier owner of the line may still be owed
> {FRAMES["samid.req"]}
< {FRAMES["samid.rsp"]}
"""
VISIT = f"""{OPENING}
> {FRAMES["find.req"]}
< {FRAMES["find.rsp.none"]}
> {FRAMES["find.req"]}
< {FRAMES["find.rsp.found"]}
> {FRAMES["select.req"]}
< {FRAMES["select.rsp.ok"]}
> {FRAMES["read.req"]}
< {FRAMES["read.rsp.resident.limited"][:300]}
< {FRAMES["read.rsp.resident.limited"][300:]}
> {FRAMES["append.req"]}
< {FRAMES["append.rsp.none"]}
"""


def link_to(text: str) -> tuple[Script, SdtLink]:
    script = Script.parse(text)
    stopping = threading.Event()
    return script, SdtLink(ScriptedWire(script), stopping.is_set)


def test_whole_visit_of_a_card_goes_word_by_word() -> None:
    script, link = link_to(VISIT)
    assert link.open() == "05.03-20100102-0000123456-987654321"
    assert link.ask(Command.FIND).status == Status.NO_CARD
    assert link.ask(Command.FIND).status == Status.FOUND
    assert link.ask(Command.SELECT).status == Status.DONE
    reply = link.ask(Command.READ)
    assert (reply.status, len(reply.data)) == (Status.DONE, 4 + 256 + 1024)
    assert link.ask(Command.READ_APPENDED).status == Status.ABSENT_ON_CARD
    assert script.finished
    link.close()


def test_broken_frame_is_sent_once_more_and_no_more() -> None:
    twice = f"> {FRAMES['status.req']}\n< {FRAMES['rsp.badsum']}\n" * 2
    script, link = link_to(OPENING + twice)
    link.open()
    assert link.ask(Command.STATUS).status == Status.HOST_CHECKSUM
    assert script.finished


def test_corrupt_reply_is_refused_and_the_next_command_begins_with_a_marker() -> None:
    corrupt = f"> {FRAMES['find.req']}\n< {FRAMES['find.rsp.corrupt']}\n"
    after = f"{OPENING}> {FRAMES['status.req']}\n< {FRAMES['status.rsp.ok']}"
    script, link = link_to(OPENING + corrupt + after)
    link.open()
    with pytest.raises(DeviceProtocolError):
        link.ask(Command.FIND)
    assert link.ask(Command.STATUS).status == Status.DONE
    assert script.finished


def test_cable_that_goes_within_a_reply_is_told() -> None:
    _, link = link_to(f"{OPENING}> {FRAMES['read.req']}\n< {FRAMES['read.rsp.resident.limited'][:300]}\nunplug")
    link.open()
    with pytest.raises(DeviceUnavailable, match="gone"):
        link.ask(Command.READ)
    link.close()
    with pytest.raises(DeviceUnavailable, match="not there"):
        link.open()


def test_host_that_says_another_thing_is_found_out() -> None:
    wire = ScriptedWire(Script(Exchange(b"ab", (b"1",)), Exchange(b"c")))
    wire.open()
    wire.write(b"a")
    wire.write(b"b")
    assert wire.read() == b"1"
    with pytest.raises(AssertionError, match="expected 63"):
        wire.write(b"x")


def test_host_that_goes_on_after_the_end_is_found_out() -> None:
    wire = ScriptedWire(Script(Exchange(b"a")))
    wire.open()
    wire.write(b"a")
    assert wire.read() == b"", "it hangs"
    with pytest.raises(AssertionError, match="expected nothing"):
        wire.write(b"a")


def test_closed_wire_says_so() -> None:
    wire = ScriptedWire(Script())
    with pytest.raises(DeviceUnavailable) as caught:
        wire.read()
    assert caught.value.code is DeviceCode.CLOSED


def test_dialogue_with_a_slip_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with none"):
        Script.parse("> 01\nhello")
