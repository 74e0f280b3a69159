"""Real kinds of cards through a real ``pcscd``, and what can befall reader, service and card while they are read."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from datetime import date
from typing import TYPE_CHECKING, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from smartcard.scard import scard

from devices.chip import apdu, emv, piv, social_security
from devices.drivers import pcsc_card_reader
from devices.drivers.pcsc_card_reader import PcscCardReader
from devices.errors import DeviceCode, DeviceProtocolError, DeviceTimeout, DeviceUnavailable, MediumError
from devices.health import READY
from devices.sim.emv_chip import PAN, EmvChip
from devices.sim.piv_chip import PivChip
from devices.sim.social_security_chip import SocialSecurityChip
from devices.sim.vpcd.service import READER_NAMES
from devices.sim.vpcd_card import Wire
from devices.testing.device import error_of, opened, running, until
from devices.transport import pcsc
from devices.values import Pii

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devices.chip import Dialogue
    from devices.sim.vpcd.service import VpcdService
    from devices.sim.vpcd_card import Chip, VpcdSlot

pytest_plugins = ["tests.pcsc"]

LEFT, RIGHT = READER_NAMES
TODAY = date(2026, 5, 1)


@pytest.fixture
async def device(pcscd: VpcdService) -> AsyncIterator[PcscCardReader]:
    device = PcscCardReader("card_reader", LEFT)
    yield device
    await device.close()
    await until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("dev-")])


async def inserted(device: PcscCardReader, slot: VpcdSlot, chip: Chip, wire: Wire = Wire.T1) -> None:
    await asyncio.to_thread(slot.insert, chip, wire)
    await device.wait_card()


@pytest.mark.parametrize("wire", Wire, ids=lambda wire: wire.name)
async def test_every_kind_of_card_is_read_over_both_protocols(
    device: PcscCardReader, left_slot: VpcdSlot, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(device):
        await inserted(device, left_slot, EmvChip(), wire)
        card = await device.converse(emv.read_bank_card(TODAY, contactless=wire is Wire.T1))
        assert (card.scheme, card.last_four, card.expired) == (emv.Scheme.UNIONPAY, PAN[-4:], False)

        await inserted(device, left_slot, SocialSecurityChip(), wire)
        holder = await device.converse(social_security.read_public_part())
        assert holder.holder_name is not None
        assert holder.holder_name.reveal() == "测试甲"

        await inserted(device, left_slot, SocialSecurityChip(version="3.00"), wire)
        assert (await device.converse(social_security.read_public_part())).holder_name is None

        chip = PivChip.personalised()
        await inserted(device, left_slot, chip, wire)
        proof = await device.converse(piv.prove(b"challenge", Pii("123456")))
        key = x509.load_der_x509_certificate(proof.certificate_der).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(proof.signature, b"challenge", ec.ECDSA(hashes.SHA256()))
    for secret in (PAN, PAN.encode().hex(), "999999199003070012", "测试甲", "123456", "31323334", "70435A0A"):
        assert secret not in caplog.text


async def test_pin_that_was_proved_is_forgotten_when_the_conversation_ends(
    device: PcscCardReader, left_slot: VpcdSlot
) -> None:
    """Otherwise the next program on this machine could sign with the technician's card."""
    chip = PivChip.personalised()
    async with opened(device):
        await inserted(device, left_slot, chip)
        await device.converse(piv.prove(b"challenge", Pii("123456")))
        with Stranger() as stranger:
            assert stranger.asks(apdu.select(piv.APPLICATION)).endswith(b"\x90\x00")
            sign = bytes.fromhex("7C2482008120") + bytes(32)
            assert stranger.asks(apdu.command(0, 0x87, 0x11, 0x9A, sign, 256)) == bytes.fromhex("6982")


async def test_two_readers_are_used_at_once(
    device: PcscCardReader, pcscd: VpcdService, left_slot: VpcdSlot, right_slot: VpcdSlot
) -> None:
    other = PcscCardReader("technician_reader", "00 01$")
    left_slot.pace_s = right_slot.pace_s = 0.02
    async with opened(device), opened(other):
        await inserted(device, left_slot, EmvChip())
        await inserted(other, right_slot, PivChip.personalised())
        async with asyncio.TaskGroup() as group:
            bank = group.create_task(device.converse(emv.read_bank_card(TODAY)))
            technician = group.create_task(other.converse(piv.certificate()))
        assert bank.result().last_four == PAN[-4:]
        assert technician.result()
        await asyncio.to_thread(left_slot.remove)
        await device.wait_removed()
        assert await other.card_present()


async def test_reader_is_found_by_a_part_of_its_name_that_fits_no_other(pcscd: VpcdService) -> None:
    async with opened(exact := PcscCardReader("card_reader", "PCD 00 01")):
        assert exact.info().model == RIGHT
        assert await exact.probe() == READY
    vague = await error_of(PcscCardReader("card_reader", "Virtual").open)
    assert isinstance(vague, DeviceUnavailable)
    assert LEFT in vague.detail
    assert RIGHT in vague.detail
    missing = await error_of(PcscCardReader("card_reader", "ACR39").open)
    assert isinstance(missing, DeviceUnavailable)
    assert LEFT in missing.detail, "the technician sees what there is instead"
    with pytest.raises(ValueError, match="regular expression"):
        PcscCardReader("card_reader", "(")


async def test_service_that_restarts_is_told_and_works_after_a_reopening(
    device: PcscCardReader, pcscd: VpcdService, left_slot: VpcdSlot
) -> None:
    async with opened(device):
        async with running(lambda: error_of(device.wait_card)) as waiting:
            await asyncio.wait({waiting}, timeout=0.05)
            await asyncio.to_thread(pcscd.stop)
            error = await waiting
        assert isinstance(error, DeviceUnavailable)
        assert error.device == "card_reader"
        await asyncio.to_thread(pcscd.start)
        assert isinstance(await error_of(device.probe), DeviceUnavailable), "the old line to the service is dead"
        await device.close()
        await device.open()
        await inserted(device, left_slot, EmvChip())
        assert await device.converse(emv.read_bank_card(TODAY))


async def test_service_that_dies_in_the_middle_of_a_conversation_is_told(
    device: PcscCardReader, pcscd: VpcdService, left_slot: VpcdSlot
) -> None:
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        left_slot.mute()
        async with running(lambda: error_of(lambda: device.converse(emv.read_bank_card(TODAY)))) as talking:
            before = left_slot.asked
            await until(lambda: left_slot.asked > before)
            await asyncio.to_thread(pcscd.stop)
            assert isinstance(await talking, DeviceUnavailable)


async def test_reader_whose_cable_is_pulled_is_missed_and_comes_back(
    device: PcscCardReader, pcscd: VpcdService, left_slot: VpcdSlot
) -> None:
    async with opened(device):
        async with running(lambda: error_of(device.wait_card)) as waiting:
            pcscd.pull_reader()
            assert isinstance(await waiting, DeviceUnavailable)
        assert isinstance(await error_of(device.probe), DeviceUnavailable)
        pcscd.plug_reader()
        await device.close()
        await reopened(device)
        await inserted(device, left_slot, EmvChip())
        assert await device.converse(emv.read_bank_card(TODAY))


async def test_service_without_any_reader_is_told_as_such(device: PcscCardReader, pcscd: VpcdService) -> None:
    await asyncio.to_thread(pcscd.stop)
    pcscd.pull_reader()
    await asyncio.to_thread(pcscd.start)
    error = await error_of(device.open)
    assert isinstance(error, DeviceUnavailable)
    assert "none" in error.detail


async def test_card_another_program_works_with_is_busy_and_free_again_later(
    device: PcscCardReader, left_slot: VpcdSlot
) -> None:
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        with Stranger() as stranger:
            error = await error_of(lambda: device.converse(emv.read_bank_card(TODAY)))
            assert isinstance(error, DeviceUnavailable)
            assert error.code is DeviceCode.BUSY
            stranger.let_go()
        assert await device.converse(emv.read_bank_card(TODAY))


async def test_card_another_program_looks_at_for_a_moment_is_waited_for(
    device: PcscCardReader, left_slot: VpcdSlot
) -> None:
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        with Stranger() as stranger:
            async with running(lambda: device.converse(emv.read_bank_card(TODAY))) as talking:
                await asyncio.wait({talking}, timeout=0.2)
                assert not talking.done()
                stranger.let_go()
                assert (await talking).last_four == PAN[-4:]


async def test_card_another_program_reset_is_read_all_the_same(device: PcscCardReader, left_slot: VpcdSlot) -> None:
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        with Stranger() as stranger:
            stranger.let_go(reset=True)
        assert await device.converse(emv.read_bank_card(TODAY))


async def test_nobody_else_reaches_the_card_while_we_talk(device: PcscCardReader, left_slot: VpcdSlot) -> None:
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        left_slot.mute()
        before = left_slot.asked
        async with running(lambda: device.converse(emv.read_bank_card(TODAY))) as talking:
            await until(lambda: left_slot.asked > before)
            assert not Stranger().reaches()
            left_slot.unmute()
            assert await talking


async def test_chip_that_goes_silent_is_given_up_and_the_next_card_is_read(
    device: PcscCardReader, left_slot: VpcdSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pcsc_card_reader, "ANSWER_TIMEOUT_S", 0.5)
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        left_slot.mute()
        ended: list[str] = []
        error = await error_of(lambda: device.converse(silent(ended)))
        assert isinstance(error, DeviceTimeout)
        assert error.device == "card_reader"
        assert await device.card_present(), "others can be asked while the reader is stuck with the silent one"
        await asyncio.to_thread(left_slot.remove)
        await device.wait_removed()
        await until(lambda: ended == ["closed"])
        left_slot.unmute()
        await inserted(device, left_slot, EmvChip())
        assert await device.converse(emv.read_bank_card(TODAY))


async def test_slow_chip_is_waited_for_as_long_as_it_answers(
    device: PcscCardReader, left_slot: VpcdSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pcsc_card_reader, "ANSWER_TIMEOUT_S", 0.5)
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        left_slot.pace_s = 0.2
        assert await device.converse(emv.read_bank_card(TODAY)), "each answer came in time, all of them took longer"


async def test_garbage_instead_of_an_answer_is_told_and_the_card_goes_on(
    device: PcscCardReader, left_slot: VpcdSlot
) -> None:
    async with opened(device):
        await inserted(device, left_slot, EmvChip())
        left_slot.garble_answer(3)
        assert isinstance(await error_of(lambda: device.converse(emv.read_bank_card(TODAY))), DeviceProtocolError)
        assert await device.converse(emv.read_bank_card(TODAY))


@pytest.mark.parametrize("number", [1, 2, 4, 5])
async def test_card_pulled_at_any_moment_of_a_read_is_told(
    device: PcscCardReader, left_slot: VpcdSlot, number: int
) -> None:
    async with opened(device):
        await inserted(device, left_slot, EmvChip(), Wire.T0 if number % 2 else Wire.T1)
        left_slot.pull_in_command(number)
        error = await error_of(lambda: device.converse(emv.read_bank_card(TODAY)))
        assert isinstance(error, MediumError)
        assert error.code is DeviceCode.CARD_LIFTED


async def test_cards_that_come_and_go_are_each_found_once(device: PcscCardReader, left_slot: VpcdSlot) -> None:
    async with opened(device):
        for _ in range(5):
            await inserted(device, left_slot, SocialSecurityChip())
            await asyncio.to_thread(left_slot.remove)
            await device.wait_removed()


class Stranger:
    """Another program on the machine that has opened the card, as programs do."""

    def __init__(self) -> None:
        _, self.context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self.card = None

    def reaches(self) -> bool:
        code, card, _ = scard.SCardConnect(self.context, LEFT, scard.SCARD_SHARE_SHARED, 3)
        self.card = None if code else card
        return not code

    def __enter__(self) -> Self:
        assert self.reaches()
        return self

    def asks(self, command: bytes) -> bytes:
        code, answer = scard.SCardTransmit(self.card, scard.SCARD_PCI_T1, list(command))
        assert not code
        return bytes(answer)

    def let_go(self, *, reset: bool = False) -> None:
        scard.SCardDisconnect(self.card, scard.SCARD_RESET_CARD if reset else scard.SCARD_LEAVE_CARD)

    def __exit__(self, *_: object) -> None:
        scard.SCardReleaseContext(self.context)


async def reopened(device: PcscCardReader) -> None:
    """Open as the manager does: again and again until the reader is back."""
    async with asyncio.timeout(10):
        while True:
            try:
                await device.open()
            except DeviceUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


def silent(ended: list[str]) -> Dialogue[None]:
    try:
        yield apdu.select(b"nobody")
    finally:
        ended.append("closed")


def test_codes_of_the_service_are_told_apart() -> None:
    """Those that no virtual reader brings about."""
    for code, error, told in (
        (scard.SCARD_W_UNRESPONSIVE_CARD, MediumError, DeviceCode.CARD_UNREADABLE),
        (scard.SCARD_W_UNPOWERED_CARD, MediumError, DeviceCode.CARD_UNREADABLE),
        (scard.SCARD_E_PROTO_MISMATCH, MediumError, DeviceCode.CARD_UNREADABLE),
        (scard.SCARD_W_REMOVED_CARD, MediumError, DeviceCode.CARD_LIFTED),
        (scard.SCARD_E_READER_UNAVAILABLE, DeviceUnavailable, DeviceCode.ABSENT),
        (scard.SCARD_E_UNKNOWN_READER, DeviceUnavailable, DeviceCode.ABSENT),
        (scard.SCARD_E_SERVICE_STOPPED, DeviceUnavailable, DeviceCode.ABSENT),
        (scard.SCARD_E_SHARING_VIOLATION, DeviceUnavailable, DeviceCode.BUSY),
        (scard.SCARD_E_TIMEOUT, DeviceTimeout, DeviceCode.TIMEOUT),
        (scard.SCARD_E_INSUFFICIENT_BUFFER, DeviceProtocolError, DeviceCode.PROTOCOL),
        (scard.SCARD_E_READER_UNAVAILABLE - 2**32, DeviceUnavailable, DeviceCode.ABSENT),
    ):
        with pytest.raises(error) as caught:
            pcsc._demand(code, "test")
        assert caught.value.code is told
        assert re.search(r"[0-9A-F]{8}|lifted", caught.value.detail)
