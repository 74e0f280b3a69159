"""IPP messages to bytes and back (RFC 8010 section 3), tolerant of values nobody asked for, strict about framing.

pyipp's parser is not used at run time: it refuses a whole answer for one enum value it does not know (operations of
PWG 5100.13 are such values) and reads lengths as signed numbers: a damaged answer can send it backwards for ever.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Union

from devices.errors import DeviceProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Value = Union[int, bool, str, bytes, "Attributes"]  # a collection's members are attributes again
Attributes = dict[str, tuple[Value, ...]]

VERSION = b"\x02\x00"  # IPP/2.0: what PWG 5100.14 printers must take
HEADER_LENGTH = 8  # version, operation or status, request id
INTEGER_LENGTH = 4
LAST_DELIMITER = 0x0F
LAST_OUT_OF_BAND = 0x1F  # unsupported, unknown, no-value and the like: an attribute without a value
COLLECTION_BEGIN = 0x34
COLLECTION_END = 0x37
MEMBER_NAME = 0x4A
DEEPEST = 8  # collections inside collections; media-col has three levels


class Operation(enum.IntEnum):
    """The operations the driver uses (RFC 8011 section 5.4.15)."""

    PRINT_JOB = 0x02
    CREATE_JOB = 0x05
    SEND_DOCUMENT = 0x06
    CANCEL_JOB = 0x08
    GET_JOB_ATTRIBUTES = 0x09
    GET_JOBS = 0x0A
    GET_PRINTER_ATTRIBUTES = 0x0B


class Status(enum.IntEnum):
    """The status codes the driver tells apart (RFC 8011 appendix B); below 0x0100 is success."""

    LAST_SUCCESS = 0x00FF
    NOT_POSSIBLE = 0x0404
    NOT_FOUND = 0x0406
    GONE = 0x0407
    UNSUPPORTED_VALUES = 0x040B
    CONFLICTING = 0x040E
    NOT_ACCEPTING = 0x0506
    BUSY = 0x0507


class GroupTag(enum.IntEnum):
    """Attribute groups (RFC 8010 section 3.5.1)."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    UNSUPPORTED = 0x05


class Tag(enum.IntEnum):
    """Value types the driver sends (RFC 8010 section 3.5.2)."""

    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    COLLECTION = 0x34
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    CHARSET = 0x47
    LANGUAGE = 0x48
    MIME_TYPE = 0x49


TEXTS = range(0x41, 0x4A)  # text, name, keyword, uri, uriScheme, charset, naturalLanguage, mimeMediaType


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute to send; several values make a 1setOf. The value of a collection is the tuple of its members."""

    tag: Tag
    name: str
    values: tuple[Value | tuple[Attribute, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded response: the status and the attribute groups in the order sent."""

    status: int
    request_id: int
    groups: tuple[tuple[int, Attributes], ...] = field(default=(), repr=False)

    def all_of(self, tag: GroupTag) -> list[Attributes]:
        """Return every group of that kind: one per job in the answer to Get-Jobs."""
        return [attributes for found, attributes in self.groups if found == tag]

    def first_of(self, tag: GroupTag) -> Attributes:
        """Return the first group of that kind, or an empty one."""
        return next(iter(self.all_of(tag)), {})


def encode(operation: Operation, request_id: int, groups: Sequence[tuple[GroupTag, Sequence[Attribute]]]) -> bytes:
    """Return the request up to and with the end-of-attributes tag; document data follows it unchanged."""
    parts = [VERSION, struct.pack(">HI", operation, request_id)]
    for tag, attributes in groups:
        parts.append(bytes([tag]))
        parts.extend(_encode_attribute(attribute) for attribute in attributes)
    parts.append(bytes([GroupTag.END]))
    return b"".join(parts)


def decode(data: bytes) -> Answer:
    """Read a response. Raises ``DeviceProtocolError`` when the framing is broken; unknown types are skipped over."""
    try:
        status, request_id = struct.unpack_from(">HI", data, 2)
        return Answer(status, request_id, tuple(_groups(data)))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise DeviceProtocolError("an IPP answer that ends too early or is not UTF-8") from error


def _encode_attribute(attribute: Attribute) -> bytes:
    parts = []
    name = attribute.name.encode("ascii")
    for value in attribute.values:
        parts.append(_tagged(attribute.tag, name, _raw(attribute.tag, value)))
        if attribute.tag == Tag.COLLECTION and isinstance(value, tuple):
            for member in value:
                parts.append(_tagged(MEMBER_NAME, b"", member.name.encode("ascii")))
                parts.append(_encode_attribute(replace(member, name="")))
            parts.append(_tagged(COLLECTION_END, b"", b""))
        name = b""  # the values after the first carry no name
    return b"".join(parts)


def _tagged(tag: int, name: bytes, raw: bytes) -> bytes:
    return struct.pack(">BH", tag, len(name)) + name + struct.pack(">H", len(raw)) + raw


def _raw(tag: Tag, value: object) -> bytes:
    match tag:
        case Tag.INTEGER | Tag.ENUM:
            return struct.pack(">i", value)
        case Tag.BOOLEAN:
            return struct.pack(">?", value)
        case Tag.COLLECTION:
            return b""  # its members follow
        case _:
            return str(value).encode("utf-8")


def _groups(data: bytes) -> Iterator[tuple[int, Attributes]]:
    offset = HEADER_LENGTH
    group = data[offset]
    while group != GroupTag.END:
        if group > LAST_DELIMITER:
            raise DeviceProtocolError("an IPP answer with an attribute outside any group")
        attributes, offset = _group(data, offset + 1)
        yield group, attributes
        group = data[offset]


def _group(data: bytes, offset: int) -> tuple[Attributes, int]:
    """Read attributes up to the next delimiter."""
    attributes: Attributes = {}
    name = ""
    while data[offset] > LAST_DELIMITER:
        tag = data[offset]
        raw_name, offset = _counted(data, offset + 1)
        raw, offset = _counted(data, offset)
        if raw_name or name not in attributes:
            name = raw_name.decode("ascii", "replace")
            attributes[name] = ()
        if tag == COLLECTION_BEGIN:
            collection, offset = _collection(data, offset, DEEPEST)
            attributes[name] += (collection,)
        elif tag > LAST_OUT_OF_BAND:
            attributes[name] += (_value(tag, raw),)
    return attributes, offset


def _collection(data: bytes, offset: int, depth: int) -> tuple[Attributes, int]:
    """Read the members of a collection up to and with its end (RFC 8010 section 3.1.6)."""
    if not depth:
        raise DeviceProtocolError("an IPP answer with collections too deep for anything we ask")
    members: Attributes = {}
    name = ""
    while (tag := data[offset]) > LAST_DELIMITER:
        _, offset = _counted(data, offset + 1)
        raw, offset = _counted(data, offset)
        if tag == COLLECTION_END:
            return members, offset
        if tag == MEMBER_NAME:
            name = raw.decode("ascii", "replace")
            members[name] = ()
        elif tag == COLLECTION_BEGIN:
            collection, offset = _collection(data, offset, depth - 1)
            members[name] = (*members.get(name, ()), collection)
        elif tag > LAST_OUT_OF_BAND:
            members[name] = (*members.get(name, ()), _value(tag, raw))
    raise DeviceProtocolError("an IPP answer with a collection that does not end")


def _counted(data: bytes, offset: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", data, offset)
    end = offset + 2 + length
    if end >= len(data):  # the end tag always follows
        raise IndexError
    return data[offset + 2 : end], end


def _value(tag: int, raw: bytes) -> Value:
    if tag in {Tag.INTEGER, Tag.ENUM} and len(raw) == INTEGER_LENGTH:
        return int.from_bytes(raw, "big", signed=True)
    if tag == Tag.BOOLEAN and len(raw) == 1:
        return raw != b"\0"
    if tag in TEXTS:
        return raw.decode("utf-8")
    return raw
