"""Modbus bytes: the standard's own examples, and frames that are not what they seem."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers import modbus_frames as frames
from devices.errors import DeviceError, DeviceFault, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from devices.sim.modbus_board import ModbusBoard, _checksum

# Examples of the application protocol V1.1b3: clause 6.1 (coils 20-38), 6.2 (inputs 197-218), 6.3 (registers 108-110),
# 6.5 (coil 173 on), 6.11 (coils 20-29).
EXAMPLES = [
    (frames.read_coils(19, 19), "0100130013", "0103CD6B05"),
    (frames.read_inputs(196, 22), "0200C40016", "0203ACDB35"),
    (frames.read_registers(107, 3), "03006B0003", "0306022B00000064"),
    (frames.write_coil(172, on=True), "0500ACFF00", "0500ACFF00"),
    (
        frames.write_coils(19, [place in {0, 2, 3, 6, 7, 8} for place in range(10)]),
        "0F0013000A02CD01",
        "0F0013000A",
    ),
]


@pytest.mark.parametrize(("request_", "asked", "answered"), EXAMPLES)
def test_standards_examples(request_: frames.Request, asked: str, answered: str) -> None:
    assert request_.pdu == bytes.fromhex(asked)
    assert request_.reply_size == len(bytes.fromhex(answered))
    frames.check(request_, bytes.fromhex(answered))


def test_bits_and_registers_stand_where_the_standard_says() -> None:
    coils = frames.check(EXAMPLES[0][0], bytes.fromhex("0103CD6B05"))
    assert [20 + place for place in range(8) if frames.bit(coils, place)] == [20, 22, 23, 26, 27]
    assert frames.bit(coils, 18), "coil 38"
    registers = frames.check(EXAMPLES[2][0], bytes.fromhex("0306022B00000064"))
    assert [frames.register(registers, place) for place in range(3)] == [555, 0, 100]


def test_checksum_is_the_one_of_the_standard() -> None:
    """Serial line V1.02, appendix B: unit 2, function 7; and the check value of CRC-16/MODBUS."""
    assert frames.crc16(bytes([2, 7])) == bytes([0x41, 0x12])
    assert frames.crc16(b"123456789") == bytes([0x37, 0x4B])


@given(st.binary(max_size=64))
def test_driver_and_board_agree_on_the_checksum(data: bytes) -> None:
    assert frames.crc16(data) == _checksum(data)


@given(st.sampled_from(EXAMPLES), st.binary(max_size=12))
def test_bytes_that_are_no_reply_are_never_taken_for_one(example: tuple[frames.Request, str, str], data: bytes) -> None:
    request = example[0]
    try:
        reply = frames.rtu_reply(data, 1, request)
    except DeviceProtocolError:
        return
    assert reply is None or data == b"\1" + reply + frames.crc16(b"\1" + reply)


@given(st.sampled_from(EXAMPLES), st.integers(min_value=0, max_value=10_000))
def test_no_flipped_bit_gets_through(example: tuple[frames.Request, str, str], place: int) -> None:
    whole = b"\1" + bytes.fromhex(example[2])
    whole += frames.crc16(whole)
    assert frames.rtu_reply(whole, 1, example[0]) == whole[1:-2]
    place %= 8 * len(whole)
    spoiled = bytearray(whole)
    spoiled[place // 8] ^= 1 << place % 8
    with contextlib.suppress(DeviceProtocolError):
        assert frames.rtu_reply(bytes(spoiled), 1, example[0]) is None


@pytest.mark.parametrize("reply", ["", "01", "0102CD6B", "0104CD6B0501", "0203CD6B05", "0103CD6B", "8102AA", "8202"])
def test_reply_that_does_not_answer_is_refused(reply: str) -> None:
    with pytest.raises(DeviceProtocolError):
        frames.check(EXAMPLES[0][0], bytes.fromhex(reply))


def test_confirmation_of_another_write_is_refused() -> None:
    with pytest.raises(DeviceProtocolError, match="another write"):
        frames.check(frames.write_coil(172, on=True), bytes.fromhex("0500AC0000"))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1, DeviceFault),
        (2, DeviceFault),
        (3, DeviceFault),
        (4, DeviceFault),
        (5, DeviceTimeout),
        (6, DeviceTimeout),
        (8, DeviceFault),
        (10, DeviceUnavailable),
        (11, DeviceUnavailable),
        (99, DeviceFault),
    ],
)
def test_every_exception_of_the_standard_has_its_meaning(code: int, error: type[DeviceError]) -> None:
    with pytest.raises(error, match=f"exception {code:02X}"):
        frames.check(EXAMPLES[0][0], bytes([0x81, code]))


def test_replies_come_out_of_a_tcp_stream_whole_however_it_is_cut() -> None:
    stream = bytes.fromhex("00070000000601 0103CD6B05".replace(" ", "")) + bytes.fromhex("000800000003018102")
    for cut in range(len(stream)):
        parser = frames.TcpParser()
        parser.feed(stream[:cut])
        found = list(iter(parser.next, None))
        parser.feed(stream[cut:])
        found += list(iter(parser.next, None))
        assert found == [(7, 1, bytes.fromhex("0103CD6B05")), (8, 1, bytes.fromhex("8102"))]


@pytest.mark.parametrize("head", ["0001000100060101", "000100000001010000", "00010000010001"])
def test_stream_that_is_no_modbus_is_refused(head: str) -> None:
    parser = frames.TcpParser()
    parser.feed(bytes.fromhex(head))
    with pytest.raises(DeviceProtocolError):
        parser.next()


async def test_board_and_driver_agree_on_every_function() -> None:
    board = ModbusBoard()
    for request in (
        frames.write_coils(2, [True, False, True]),
        frames.write_coil(9, on=True),
        frames.read_inputs(0, 16),
        frames.read_registers(0, 16),
    ):
        frames.check(request, board.answer(request.pdu))
    packed = frames.check(frames.read_coils(1, 12), board.answer(frames.read_coils(1, 12).pdu))
    assert [1 + place for place in range(12) if frames.bit(packed, place)] == [2, 4, 9]
