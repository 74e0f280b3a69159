"""Frames of the identity card reader: every published vector, byte for byte, in whatever pieces they arrive."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.sdt_frames import (
    PREAMBLE,
    Command,
    Reply,
    ReplyParser,
    build_request,
    checksum,
    decode_sam_id,
)
from devices.errors import DeviceProtocolError

FRAMES = {
    frame["name"]: frame
    for frame in json.loads((Path(__file__).parent / "vectors/sdt-frames.json").read_text(encoding="utf-8"))["frames"]
}
REQUESTS = {
    "reset.req": (Command.RESET, b""),
    "status.req": (Command.STATUS, b""),
    "samid.req": (Command.SAM_ID, b""),
    "find.req": (Command.FIND, b""),
    "select.req": (Command.SELECT, b""),
    "read.req": (Command.READ, b""),
    "append.req": (Command.READ_APPENDED, b""),
    "maxrf.req": (Command.SET_MAX_RF, b"\x50"),
}
SHORT_REPLIES = {
    "reset.rsp": (0x90, 0),
    "status.rsp.ok": (0x90, 0),
    "status.rsp.selftest": (0x60, 0),
    "samid.rsp": (0x90, 16),
    "find.rsp.found": (0x9F, 4),
    "find.rsp.none": (0x80, 0),
    "select.rsp.ok": (0x90, 8),
    "select.rsp.fail": (0x81, 0),
    "append.rsp.none": (0x91, 0),
    "maxrf.rsp": (0x90, 0),
    "read.rsp.fail": (0x41, 0),
    "rsp.badsum": (0x10, 0),
    "rsp.badlen": (0x11, 0),
    "rsp.badcmd": (0x21, 0),
    "rsp.noauth": (0x66, 0),
}
LONG_REPLIES = {
    name: frame["length"] - 7 - 4 for name, frame in FRAMES.items() if name.startswith(("read.rsp.", "readfp.rsp."))
}
LONG_REPLIES.pop("read.rsp.fail")
CORRUPT = "find.rsp.corrupt"
FINGERPRINT_REQUEST = "readfp.req"


def frame(name: str) -> bytes:
    return bytes.fromhex(FRAMES[name]["hex"])


def parse_all(parser: ReplyParser) -> list[Reply]:
    replies = []
    while (reply := parser.next()) is not None:
        replies.append(reply)
    return replies


def test_no_vector_is_forgotten() -> None:
    assert len(FRAMES) == 33
    assert {*REQUESTS, *SHORT_REPLIES, *LONG_REPLIES, CORRUPT, FINGERPRINT_REQUEST} == set(FRAMES)


def test_fingerprints_cannot_be_asked_for() -> None:
    asked = frame(FINGERPRINT_REQUEST)[7:9]
    assert asked == b"\x30\x10"
    assert asked not in {command.value for command in Command}


@pytest.mark.parametrize("name", REQUESTS)
def test_request_is_built_byte_for_byte(name: str) -> None:
    command, data = REQUESTS[name]
    assert build_request(command, data) == frame(name)


@pytest.mark.parametrize(("name", "status", "size"), [(name, *want) for name, want in SHORT_REPLIES.items()])
def test_short_reply_is_read(name: str, status: int, size: int) -> None:
    parser = ReplyParser()
    parser.feed(frame(name))
    (reply,) = parse_all(parser)
    assert (reply.status, len(reply.data)) == (status, size)
    assert parser.unfinished == 0


@pytest.mark.parametrize("name", LONG_REPLIES)
def test_long_reply_is_read_byte_by_byte(name: str) -> None:
    """A serial line delivers what it likes: the reply must not depend on where it is cut."""
    parser, whole = ReplyParser(), frame(name)
    for byte in whole[:-1]:
        parser.feed(bytes([byte]))
        assert parser.next() is None
    parser.feed(whole[-1:])
    reply = parser.next()
    assert reply is not None
    assert reply.status == 0x90
    assert bytes(reply.data) == whole[10:-1]


def test_corrupt_reply_is_refused_and_the_next_one_read() -> None:
    parser = ReplyParser()
    parser.feed(frame(CORRUPT) + frame("find.rsp.none"))
    with pytest.raises(DeviceProtocolError, match="checksum"):
        parser.next()
    assert [reply.status for reply in parse_all(parser)] == [0x80]


@pytest.mark.parametrize("length", [0, 3, 4090, 0xFFFF])
def test_impossible_length_is_refused_at_once_instead_of_waited_for(length: int) -> None:
    parser = ReplyParser()
    parser.feed(PREAMBLE + length.to_bytes(2, "big"))
    with pytest.raises(DeviceProtocolError, match=str(length)):
        parser.next()


@pytest.mark.parametrize("before", ["", "00", "AA", "AAAA", "FFAA96AA", "AAAA96"])
def test_reply_is_found_behind_noise_and_without_its_first_byte(before: str) -> None:
    for whole in (frame("find.rsp.found"), frame("find.rsp.found")[1:]):
        parser = ReplyParser()
        parser.feed(bytes.fromhex(before) + whole)
        assert [reply.status for reply in parse_all(parser)] == [0x9F]


def test_lone_noise_is_counted_and_thrown_away() -> None:
    parser = ReplyParser()
    parser.feed(b"\x00" * 5000)
    assert parser.next() is None
    assert parser.skipped == 5000
    assert parser.unfinished == 0


@given(
    names=st.lists(st.sampled_from([*SHORT_REPLIES, "read.rsp.hmt.J"]), min_size=1, max_size=5),
    noise=st.binary(max_size=6).filter(lambda data: b"\xaa" not in data),
    size=st.integers(1, 64),
)
def test_any_sequence_in_any_pieces_gives_the_same_replies(names: list[str], noise: bytes, size: int) -> None:
    stream = b"".join(noise + frame(name) for name in names)
    parser, statuses = ReplyParser(), []
    for at in range(0, len(stream), size):
        parser.feed(stream[at : at + size])
        statuses += [reply.status for reply in parse_all(parser)]
    assert statuses == [frame(name)[9] for name in names]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_do_worse_than_a_protocol_error(data: bytes) -> None:
    parser = ReplyParser()
    parser.feed(PREAMBLE + data)
    for _ in range(len(data) + 2):
        try:
            if parser.next() is None:
                break
        except DeviceProtocolError:
            continue
    else:
        pytest.fail("the parser does not come to an end")


def test_module_number_is_written_as_the_register_does() -> None:
    assert decode_sam_id(frame("samid.rsp")[10:-1]) == FRAMES["samid.rsp"]["expect"]
    with pytest.raises(DeviceProtocolError):
        decode_sam_id(bytes(15))


def test_reply_does_not_print_its_data() -> None:
    assert "1234" not in repr(Reply(0x90, bytearray(b"1234")))


def test_checksum_of_a_whole_frame_is_zero() -> None:
    assert checksum(frame("samid.rsp")[5:]) == 0
