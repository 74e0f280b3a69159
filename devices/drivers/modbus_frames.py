"""Modbus: what boards with contacts and relays are asked, and how it travels. Bytes in, bytes out.

MODBUS Application Protocol Specification V1.1b3: function codes of clause 6, exceptions of clause 7. Framing on a
serial line: MODBUS over Serial Line V1.02, clause 2.5.1 (RTU); over TCP: Modbus Messaging on TCP/IP Implementation
Guide V1.0b, clause 3.1.3 (MBAP header). Addresses are those on the wire, from 0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceProtocolError, DeviceTimeout, DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

READ_COILS: Final = 0x01
READ_INPUTS: Final = 0x02
READ_REGISTERS: Final = 0x03
WRITE_COIL: Final = 0x05
WRITE_COILS: Final = 0x0F
EXCEPTION: Final = 0x80  # set in the function code of a refusal (clause 4.1)

LAST_ADDRESS: Final = 0xFFFF
MOST_BITS: Final = 2000  # clauses 6.1 and 6.2
MOST_REGISTERS: Final = 125  # clause 6.3
UNITS: Final = range(1, 248)  # serial line clause 2.2; 0 is everybody, and nobody answers it

RTU_OVERHEAD: Final = 3  # unit, two bytes of CRC
EXCEPTION_SIZE: Final = 2  # function code, exception code
MBAP_SIZE: Final = 7
_MBAP_LENGTHS: Final = range(2, 255)  # unit and protocol data unit of at most 253 bytes (clause 4.1)

_CRC_START, _CRC_POLYNOMIAL = 0xFFFF, 0xA001  # serial line clause 6.2.2


@dataclass(frozen=True, slots=True)
class Request:
    """One question: the protocol data unit, and the size of the one that answers it."""

    pdu: bytes
    reply_size: int

    @property
    def function(self) -> int:
        """Return the function code."""
        return self.pdu[0]


def read_coils(start: int, count: int) -> Request:
    """Ask how ``count`` outputs stand. Clause 6.1."""
    return _read(READ_COILS, start, count, (count + 7) // 8)


def read_inputs(start: int, count: int) -> Request:
    """Ask how ``count`` contacts stand. Clause 6.2."""
    return _read(READ_INPUTS, start, count, (count + 7) // 8)


def read_registers(start: int, count: int) -> Request:
    """Ask for ``count`` holding registers. Clause 6.3."""
    return _read(READ_REGISTERS, start, count, 2 * count)


def write_coil(address: int, on: bool) -> Request:
    """Set one output. Clause 6.5; the answer repeats the question."""
    return Request(struct.pack(">BHH", WRITE_COIL, address, 0xFF00 if on else 0), 5)


def write_coils(start: int, states: Sequence[bool]) -> Request:
    """Set outputs that follow each other. Clause 6.11; the answer says where and how many."""
    packed = sum(1 << place for place, on in enumerate(states) if on).to_bytes((len(states) + 7) // 8, "little")
    return Request(struct.pack(">BHHB", WRITE_COILS, start, len(states), len(packed)) + packed, 5)


def check(request: Request, reply: bytes) -> bytes:
    """Return what the board says to ``request``: packed bits or registers, or nothing of a write.

    Raises what the refusal means (:func:`refusal`), and ``DeviceProtocolError`` for what does not answer the question.
    """
    if len(reply) == EXCEPTION_SIZE and reply[0] == request.function | EXCEPTION:
        raise refusal(reply[1], request.function)
    if len(reply) != request.reply_size or reply[0] != request.function:
        raise DeviceProtocolError(f"{len(reply)} bytes do not answer function {request.function:02X}")
    if request.function in {WRITE_COIL, WRITE_COILS}:
        if reply[1:] != request.pdu[1:5]:
            raise DeviceProtocolError("board confirms another write than ours")
        return b""
    if reply[1] != len(reply) - 2:
        raise DeviceProtocolError(f"reply announces {reply[1]} bytes and brings {len(reply) - 2}")
    return reply[2:]


def bit(packed: bytes, place: int) -> bool:
    """Return one of the bits of a reply, the first asked for being 0."""
    return bool(packed[place // 8] >> place % 8 & 1)


def register(packed: bytes, place: int) -> int:
    """Return one of the registers of a reply, the first asked for being 0."""
    value: int = struct.unpack_from(">H", packed, 2 * place)[0]
    return value


def refusal(code: int, function: int) -> DeviceError:
    """Return what a board's exception code means (clause 7)."""
    about = f"function {function:02X}"
    match code:
        case 0x01:
            return DeviceFault(f"board does not know {about}: it is none for this driver (exception 01)")
        case 0x02 | 0x03:
            return DeviceFault(f"board has no such address, see the settings: {about} (exception {code:02X})")
        case 0x05 | 0x06:
            return DeviceTimeout(f"board is busy: {about} (exception {code:02X})", code=DeviceCode.BUSY)
        case 0x0A | 0x0B:
            return DeviceUnavailable(f"gateway does not reach the board: {about} (exception {code:02X})")
        case _:
            return DeviceFault(f"board failed: {about} (exception {code:02X})")


def crc16(data: bytes) -> bytes:
    """Return the checksum as it travels, low byte first."""
    crc = _CRC_START
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def rtu_frame(unit: int, request: Request) -> bytes:
    """Frame a question for a serial line."""
    body = bytes([unit]) + request.pdu
    return body + crc16(body)


def rtu_reply(arrived: bytes, unit: int, request: Request) -> bytes | None:
    """Return the protocol data unit of a whole reply, ``None`` while some of it is still to come.

    Raises ``DeviceProtocolError`` for what is no reply of ``unit`` to ``request``: its end cannot be told either.
    """
    if len(arrived) < EXCEPTION_SIZE:
        return None
    if arrived[0] != unit or arrived[1] & ~EXCEPTION != request.function:
        raise DeviceProtocolError(f"unit {arrived[0]}, function {arrived[1]:02X} instead of ours: noise, or a stranger")
    size = (EXCEPTION_SIZE if arrived[1] & EXCEPTION else request.reply_size) + RTU_OVERHEAD
    if len(arrived) < size:
        return None
    if len(arrived) > size or crc16(arrived[: size - 2]) != arrived[size - 2 :]:
        raise DeviceProtocolError(f"checksum wrong over {len(arrived)} bytes")
    return arrived[1:-2]


def tcp_frame(number: int, unit: int, request: Request) -> bytes:
    """Frame a question for TCP; its ``number`` comes back with the reply."""
    return struct.pack(">HHHB", number, 0, len(request.pdu) + 1, unit) + request.pdu


class TcpParser:
    """Replies out of a byte stream."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._buffer += data

    def next(self) -> tuple[int, int, bytes] | None:
        """Return (number, unit, protocol data unit) of the next whole reply.

        Raises ``DeviceProtocolError``: what follows in the stream cannot be told either, close it.
        """
        if len(self._buffer) < MBAP_SIZE:
            return None
        number, protocol, length, unit = struct.unpack_from(">HHHB", self._buffer)
        if protocol or length not in _MBAP_LENGTHS:
            raise DeviceProtocolError("the far end does not speak Modbus TCP")
        end = MBAP_SIZE - 1 + length
        if len(self._buffer) < end:
            return None
        pdu = bytes(self._buffer[MBAP_SIZE:end])
        del self._buffer[:end]
        return number, unit, pdu


def _read(function: int, start: int, count: int, data_size: int) -> Request:
    return Request(struct.pack(">BHH", function, start, count), 2 + data_size)
