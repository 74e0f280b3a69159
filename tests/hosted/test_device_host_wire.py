"""What crosses to a driver's process and back: values, never code, and never more than was announced and allowed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import errors
from devices.card_reader import ChipCard
from devices.device import DeviceInfo
from devices.document_camera import Page, PageFault
from devices.errors import DeviceCode, DeviceError, DeviceUnavailable, MediumError, OutcomeUnknown
from devices.health import Condition, Health, HealthState
from devices.hosted import process
from devices.hosted.calls import calls_of, port_of
from devices.hosted.frames import Kind, error_body, error_from
from devices.hosted.life import Life
from devices.hosted.link import Link
from devices.hosted.pending import Hearers
from devices.hosted.process import Order
from devices.hosted.schema import NAMES, decoded, encoded, shape_of
from devices.hosted.shapes import MEMBERS_MAX, WireError
from devices.lights import Light, LightState
from devices.pin_pad import PadKey, PinPad
from devices.roles import PORTS
from devices.values import (
    CardKind,
    Frame,
    IdentityCard,
    PdfDocument,
    Pii,
    PiiWipedError,
    PrintJob,
    Sex,
    Slip,
    SlipCode,
    SlipRule,
    SlipText,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from devices.hosted.proxy import HostedDevice

NAME = "张三"


def card() -> IdentityCard:
    return IdentityCard(
        kind=CardKind.RESIDENT,
        name=Pii(NAME),
        number=Pii("999999199003070012"),
        sex=Sex.FEMALE,
        birth=Pii(date(1990, 3, 7)),
        valid_from=date(2020, 6, 1),
        valid_until=None,
        photo=Pii(bytearray(b"picture")),
        warnings=frozenset({"sex_parity"}),
    )


VALUES: list[tuple[Any, Any]] = [
    (Health, Health(HealthState.FAULT, frozenset({Condition.PAPER_OUT, Condition.COVER_OPEN}))),
    (DeviceInfo, DeviceInfo("d", "/dev/x", "模", "1")),
    (Frame, Frame(2, 1, bytes(6), 12.5)),
    (PrintJob, PrintJob("t", Slip((SlipText("一", size=2, bold=True), SlipRule(), SlipCode("q"))))),
    (PrintJob, PrintJob("t", PdfDocument(b"%PDF", 2))),
    (ChipCard, ChipCard(b"\x3b\x00", contactless=False)),
    (Mapping[Light, LightState], {Light.FACE: LightState.BLINK}),
    (float | None, None),
    (float | None, 1.5),
    (PadKey, PadKey.ENTER),
    (tuple[tuple[float, float], ...], ((0.0, 1.0), (2.0, 3.0))),
]


@pytest.mark.parametrize(("hint", "value"), VALUES)
def test_value_arrives_as_it_was(hint: Any, value: object) -> None:
    shape = shape_of(hint)
    assert decoded(shape, encoded(shape, value).bytes) == value


@pytest.mark.parametrize("role", PORTS)
def test_every_port_can_be_hosted(role: str) -> None:
    """A new method of a port either crosses by its annotation, or this says so before a driver does."""
    assert calls_of(port_of(role))


def test_personal_values_arrive_wrapped_and_are_wiped_where_they_came_from() -> None:
    shape, sent = shape_of(IdentityCard), card()
    writer = encoded(shape, sent)
    received = decoded(shape, writer.bytes)
    assert received == card()
    buffer = sent.photo.reveal()
    writer.wipe()
    assert not any(writer.bytes)
    assert not any(buffer)
    for value in (sent.name, sent.number, sent.birth, sent.photo):
        with pytest.raises(PiiWipedError):
            value.reveal()
    assert received.name.reveal() == NAME


def test_page_of_a_person_is_overwritten_where_it_was_taken() -> None:
    picture = bytearray(b"\x01" * 12)
    page = Page(2, 2, Pii(picture), ((0.0, 0.0),), frozenset({PageFault.GLARE}))
    writer = encoded(shape_of(Page), page)
    writer.wipe()
    assert not any(picture)


@pytest.mark.parametrize(
    ("hint", "data"),
    [
        (bool, b"\x02"),
        (bool, b""),
        (str, b"\x00\x00\x00\x02\xff\xff"),
        (str, b"\xff\xff\xff\xff"),
        (bytes, b"\x00\x00\x00\x05abc"),
        (date, struct.pack("!q", -1)),
        (date, struct.pack("!q", 1 << 60)),
        (HealthState, b"\x00\x00\x00\x05happy"),
        (frozenset[Condition], struct.pack("!I", MEMBERS_MAX + 1)),
        (frozenset[Condition], struct.pack("!I", MEMBERS_MAX)),
        (int | None, b"\x02"),
        (bool, b"\x01\x00"),
        (float, struct.pack("!d", float("nan"))),
        (float | None, b"\x00" + struct.pack("!d", float("inf"))),
        # A picture that is smaller than it says: who draws it would read beyond its end.
        (Frame, struct.pack("!qqI", 1000, 1000, 3) + bytes(3) + struct.pack("!d", 1.0)),
        (Frame, struct.pack("!qqI", -1, -1, 3) + bytes(3) + struct.pack("!d", 1.0)),
        (Page, struct.pack("!qqI", 2, 2, 0) + struct.pack("!II", 0, 0)),
    ],
)
def test_bytes_that_are_no_such_value_are_refused(hint: Any, data: bytes) -> None:
    with pytest.raises(WireError):
        decoded(shape_of(hint), data)


@given(data=st.binary(max_size=400), hint=st.sampled_from([IdentityCard, Health, Frame, Page, DeviceInfo, PrintJob]))
def test_arbitrary_bytes_make_a_value_or_are_refused_and_nothing_else(data: bytes, hint: Any) -> None:
    try:
        value = decoded(shape_of(hint), data)
    except WireError:
        pass
    else:
        assert isinstance(value, hint)


def test_type_that_no_port_needs_cannot_cross() -> None:
    for hint in (object, type, dict, Exception):
        with pytest.raises(TypeError):
            shape_of(hint)


KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DeviceError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not DeviceError])
def test_error_arrives_with_type_code_and_words_as_one_of_this_device(kind: type[DeviceError]) -> None:
    sent = kind("two\nlines\x1b[31m" + "x" * 9000, code=DeviceCode.PAPER_JAM, device="another")
    received = error_from(memoryview(error_body(sent)), "printer")
    assert (type(received), received.code, received.device) == (kind, DeviceCode.PAPER_JAM, "printer")
    assert received.detail.startswith("two lines [31mxxx")
    assert len(received.detail) == 400


def test_job_of_an_unknown_outcome_arrives() -> None:
    received = error_from(memoryview(error_body(OutcomeUnknown("cut", job="ipp-7"))), "printer")
    assert isinstance(received, OutcomeUnknown)
    assert received.job == "ipp-7"


def test_error_of_no_closed_set_is_a_breach() -> None:
    for words in (("SystemExit", "device.fault", "", ""), ("DeviceFault", "device.invented", "", "")):
        body = encoded(shape_of(tuple[str, str, str, str]), words).bytes
        with pytest.raises(WireError):
            error_from(memoryview(body), "x")


def test_announced_length_is_checked_before_room_is_made() -> None:
    breaches: list[str] = []
    link = Link(lambda *_: None, lambda *_: 10, breaches.append, lambda: None)
    buffer = link.get_buffer(-1)
    buffer[:] = struct.pack("!IBI", 0xFFFF_FFFF, 34, 1)
    link.buffer_updated(len(buffer))
    assert breaches
    assert link._body is None


def test_message_is_overwritten_once_it_was_read() -> None:
    seen: list[tuple[bytes, memoryview]] = []
    link = Link(lambda _k, _c, body: seen.append((bytes(body), body)), lambda *_: 10, lambda _: None, lambda: None)
    for piece in (struct.pack("!IBI", 4, 34, 1), b"face"):
        buffer = link.get_buffer(-1)
        buffer[:] = piece
        link.buffer_updated(len(buffer))
    assert seen[0][0] == b"face"
    assert bytes(seen[0][1]) == bytes(4)


# --- dialogues and answers that come late


def spell(words: list[bytes]) -> Generator[bytes, bytes, list[bytes]]:
    """Say words to the chip and return what it answers."""
    answers: list[bytes] = []
    for word in words:
        answers.append((yield word))  # noqa: PERF401 - a comprehension may not yield
    return answers


@pytest.mark.parametrize("in_thread", [False, True])
async def test_dialogue_crosses_one_command_at_a_time_and_its_result_never(
    make: Callable[..., HostedDevice], in_thread: bool
) -> None:
    device: Any = make("acme-chip", "card_reader", in_thread=in_thread)
    await device.open()
    words = [bytes([number]) * 5 for number in range(200)]
    assert await device.converse(spell(words)) == [word + b"\x90\x00" for word in words]
    assert await device.converse(spell([])) == []
    assert await device.probe()
    assert device.info().serial == "2", "one conversation each, not one a command"


async def test_extended_answer_of_a_chip_crosses_whole(make: Callable[..., HostedDevice]) -> None:
    device: Any = make("acme-chip", "card_reader")
    await device.open()
    assert await device.converse(spell([bytes(65536)])) == [bytes(65536) + b"\x90\x00"]


@pytest.mark.parametrize("in_thread", [False, True])
async def test_error_of_the_dialogue_itself_reaches_its_caller_and_leaves_the_reader_sound(
    make: Callable[..., HostedDevice], in_thread: bool
) -> None:
    def doubting() -> Generator[bytes, bytes, None]:
        yield b"\x01"
        raise MediumError("no such application", code=DeviceCode.CARD_UNKNOWN_KIND)

    device: Any = make("acme-chip", "card_reader", in_thread=in_thread)
    await device.open()
    with pytest.raises(MediumError) as caught:
        await device.converse(doubting())
    assert (caught.value.code, caught.value.device) == (DeviceCode.CARD_UNKNOWN_KIND, "card_reader")
    assert await device.converse(spell([b"\x02"])) == [b"\x02\x90\x00"]


async def test_card_lifted_in_a_dialogue_closes_it(make: Callable[..., HostedDevice]) -> None:
    ended: list[str] = []

    def careful() -> Generator[bytes, bytes, None]:
        try:
            yield b"\x01"
            yield b"\x00lift"
        finally:
            ended.append("closed")

    device: Any = make("acme-chip", "card_reader")
    await device.open()
    with pytest.raises(MediumError) as caught:
        await device.converse(careful())
    assert (caught.value.code, caught.value.device, ended) == (DeviceCode.CARD_LIFTED, "card_reader", ["closed"])


async def test_dialogue_on_a_closed_reader_is_refused_and_closed(make: Callable[..., HostedDevice]) -> None:
    device: Any = make("acme-chip", "card_reader")
    with pytest.raises(DeviceUnavailable, match="open"):
        await device.converse(spell([b"\x01"]))


async def test_key_that_came_as_its_caller_gave_up_is_the_next_callers(make: Callable[..., HostedDevice]) -> None:
    """None lost, none twice: the port's promise holds across the line."""
    device: Any = make("acme-pad", "pin_pad")
    await device.open()
    heard: list[PadKey] = []
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await device.key()  # the driver answers it all the same
        heard += [await device.key(), await device.key()]
    assert heard == [PadKey.ONE, PadKey.TWO, PadKey.THREE, PadKey.FOUR]


async def test_key_pressed_before_a_start_is_dropped(make: Callable[..., HostedDevice]) -> None:
    device: Any = make("acme-pad", "pin_pad")
    await device.open()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await device.key()
    await device.start()
    assert await device.key() is PadKey.TWO


class _Nowhere(asyncio.Transport):
    def write(self, data: object) -> None:
        """Send nothing: the test is the driver's process."""


async def test_key_that_comes_after_a_start_belongs_to_nobody() -> None:
    """A driver that was slow to end the call gave the next person the digit of the one before."""
    heard: list[tuple[str, object]] = []
    life = Life(
        Order("acme-pad", "pin_pad"), calls_of(PinPad), Hearers(lambda _: None, lambda *late: heard.append(late))
    )
    life._transport = _Nowhere()
    async with asyncio.TaskGroup() as group:
        key = group.create_task(life.ask("key", {}, wait_s=0.0))
        await asyncio.sleep(0)
        key.cancel()
        await asyncio.wait({key})
        start = group.create_task(life.ask("start", {}))
        await asyncio.sleep(0)
        life._hear(Kind.RESULT, 2, memoryview(b""))
        await start
        late = encoded(shape_of(PadKey), PadKey.SEVEN).bytes
        life._hear(Kind.RESULT, 1, memoryview(late))
    assert not heard


async def test_calls_on_a_closed_device_say_so_and_stop_never_raises(make: Callable[..., HostedDevice]) -> None:
    device: Any = make("acme-pad", "pin_pad")
    with pytest.raises(DeviceUnavailable, match="open"):
        await device.key()
    await device.stop()
    await device.close()
    assert device.info() == DeviceInfo("acme-pad", "nowhere"), "known since it was made"


def test_environment_of_a_driver_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_TOKEN", "secret")
    assert "secret" not in str(process._environment())


def test_schema_names_every_value_of_the_ports() -> None:
    """``Mapping`` and friends are for the type checker alone in the ports: here they must be found."""
    assert {"IdentityCard", "Health", "Frame", "Page", "PrintJob", "SensorChange", "PowerState"} <= NAMES.keys()
