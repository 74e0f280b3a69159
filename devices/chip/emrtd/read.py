"""Reading a travel document from the first command to the judgement (Doc 9303-11 clause 4.2 and 5.1)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devices.chip.emrtd import bac, ber, mrz, pace
from devices.chip.emrtd.chip_proof import prove_chip
from devices.chip.emrtd.conversation import (
    LARGEST_ANSWER,
    MASTER_FILE,
    NO_ANSWER,
    SELECT,
    SHORT_ANSWER,
    Conversation,
    File,
    FileAbsent,
)
from devices.chip.emrtd.document import Access, TravelDocument
from devices.chip.emrtd.face import portrait_of
from devices.chip.emrtd.keys import MrzKey
from devices.chip.emrtd.mrz import YEARS
from devices.chip.emrtd.passive_authentication import Authenticity, SecurityObject
from devices.chip.emrtd.secure_messaging import Command, SessionLost
from devices.errors import DeviceCode, MediumError
from devices.values import Pii

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from devices.chip import Dialogue
    from devices.chip.emrtd.anchors import TrustAnchors
    from devices.chip.emrtd.chip_proof import ChipProof
    from devices.chip.emrtd.keys import AccessKey
    from devices.chip.emrtd.mrz import Mrz, Years
    from devices.chip.emrtd.passive_authentication import Judgement

TAG_LIST, ZONE = 0x5C, 0x5F1F
FILES = {1: File.DG1, 2: File.DG2, 14: File.DG14, 15: File.DG15}
NEEDED = frozenset({1, 2})  # the others serve the proof of the chip
CAPABILITIES, EXTENDED_LENGTHS, LENGTH = 0x47, 0x7F66, 0x02  # EF.ATR/INFO (ISO/IEC 7816-4 clause 12.7)
SPEAKS_EXTENDED = 0x40  # in the third octet of the capabilities
STATUS_SIZE = 2
ZONE_WIDTHS = {88: 44, 72: 36, 90: 30}  # characters in all, and in a line


def read_travel_document(
    access: AccessKey,
    anchors: TrustAnchors,
    *,
    today: date,
    random: Callable[[int], bytes] = os.urandom,
    years: Years = YEARS,
    largest_answer: int = LARGEST_ANSWER,
) -> Dialogue[TravelDocument]:
    """Open the chip, read data groups 1 and 2, judge them, and have the chip prove itself where it offers to.

    PACE where the chip offers it, otherwise BAC. ``largest_answer`` is what the reader can carry, in bytes: 256 for
    one that knows short commands only; what the chip says for itself counts as well. Raises ``MediumError``:
    ``CHIP_ACCESS`` (the key does not open this chip; it is tried once, because chips answer more and more slowly
    after wrong ones), ``CARD_REFUSED`` (somebody else answers, or the data are not what was signed), ``CARD_INVALID``
    (the zone), ``CARD_PHOTO``, ``CARD_UNKNOWN_KIND`` (no travel document), ``CARD_UNREADABLE`` (nothing that makes
    sense).
    """
    try:
        content = yield from _read(Conversation(), access, random, largest_answer)
    except SessionLost:  # once more from the beginning, with commands that every chip can do
        try:
            content = yield from _read(Conversation(careful=True), access, random, SHORT_ANSWER)
        except SessionLost:
            raise MediumError("chip: ended the session twice") from None
    judgement = content.security.judge(content.files, anchors, today)
    if judgement.authenticity is Authenticity.FAILED:
        raise MediumError(judgement.reason, code=DeviceCode.CARD_REFUSED)
    proof = yield from prove_chip(content.conversation, content.files, random)
    zone = zone_of(content.files[1], today=today, years=years)
    return _document(content, zone, judgement, proof)


@dataclass(frozen=True, slots=True)
class _Content:
    """What was read, judged by nobody, and the open session it was read in."""

    conversation: Conversation
    way: Access
    security: SecurityObject
    files: dict[int, bytes] = field(repr=False)


def _read(
    conversation: Conversation, access: AccessKey, random: Callable[[int], bytes], largest_answer: int
) -> Dialogue[_Content]:
    way = yield from _open(conversation, access, random, largest_answer)
    yield from _look_at_list(conversation)
    security = SecurityObject((yield from conversation.read(File.SOD)))
    files = {}
    for number, file in FILES.items():
        if number in NEEDED or number in security.hashes:
            files[number] = yield from conversation.read(file)
    return _Content(conversation, way, security, files)


def _document(content: _Content, zone: Mrz, judgement: Judgement, proof: ChipProof) -> TravelDocument:
    portrait = portrait_of(content.files[2])
    return TravelDocument(
        document_code=zone.document_code,
        issuing_state=zone.issuing_state,
        number=zone.number,
        surname=zone.surname,
        given_names=zone.given_names,
        nationality=zone.nationality,
        birth=zone.birth,
        sex=zone.sex,
        expiry=zone.expiry,
        portrait=Pii(portrait.content),
        portrait_type=portrait.type,
        authenticity=judgement.authenticity,
        reason=judgement.reason,
        signer=judgement.signer,
        access=content.way,
        chip_proof=proof,
    )


def zone_of(dg1: bytes, *, today: date, years: Years = YEARS) -> Mrz:
    """Return data group 1 as a zone. Raises ``MediumError`` (``CARD_INVALID``, ``CARD_UNREADABLE``)."""
    content = ber.find(dg1, File.DG1.tag, ZONE)
    width = ZONE_WIDTHS.get(len(content))
    if width is None or not content.isascii():
        raise MediumError("machine-readable zone: has a length of its own", code=DeviceCode.CARD_INVALID)
    text = content.decode("ascii")
    return mrz.parse([text[at : at + width] for at in range(0, len(text), width)], today=today, years=years)


def _open(
    conversation: Conversation, access: AccessKey, random: Callable[[int], bytes], largest_answer: int
) -> Dialogue[Access]:
    """Open the chip by the best way and select the application."""
    yield from conversation.ask(Command(SELECT, 0, NO_ANSWER, MASTER_FILE))  # may fail: then it is selected already
    offer, way = yield from _offer(conversation)
    largest = min(largest_answer, (yield from _largest_answer(conversation)))
    if offer is not None:
        try:
            conversation.channel = yield from pace.open_channel(conversation, offer, access, random)
            way = Access.PACE
        except pace.PaceUnusable:
            way = Access.BAC_FOR_PACE
    yield from _select(conversation)
    if conversation.channel is None:
        if not isinstance(access, MrzKey):
            raise MediumError("chip offers no PACE: a card access number cannot open it", code=DeviceCode.CHIP_ACCESS)
        conversation.channel = yield from bac.open_channel(conversation, access, random)
    conversation.largest_answer = largest
    return way


def _offer(conversation: Conversation) -> Dialogue[tuple[pace.Offer | None, Access]]:
    try:
        content = yield from conversation.read(File.CARD_ACCESS)
    except MediumError:  # BAC may do, and says so if not
        return None, Access.BAC
    try:
        offer = pace.best_offer(content)
    except MediumError:
        offer = None
    return offer, Access.BAC_FOR_PACE


def _largest_answer(conversation: Conversation) -> Dialogue[int]:
    """Return how long the chip's answers may be: EF.ATR/INFO tells, and a chip without one answers shortly."""
    try:
        content = yield from conversation.read_objects(File.ATR_INFO)
        if not ber.find(content, CAPABILITIES)[2:3] >= bytes((SPEAKS_EXTENDED,)):
            return SHORT_ANSWER
        lengths = [
            int.from_bytes(value) for tag, value in ber.items(ber.find(content, EXTENDED_LENGTHS)) if tag == LENGTH
        ]
    except MediumError:
        return SHORT_ANSWER
    return max(SHORT_ANSWER, lengths[1] - STATUS_SIZE) if len(lengths) > 1 else SHORT_ANSWER


def _select(conversation: Conversation) -> Dialogue[None]:
    try:
        yield from conversation.select_application()
    except MediumError as error:
        if error.code is not DeviceCode.CARD_UNREADABLE:
            raise
        raise MediumError(f"no travel document: {error.detail}", code=DeviceCode.CARD_UNKNOWN_KIND) from None


def _look_at_list(conversation: Conversation) -> Dialogue[None]:
    """Find early whether there is something to read; the list is not signed, so it decides nothing else."""
    try:
        content = yield from conversation.read(File.COM)
    except FileAbsent:  # to be left out by newer issuers (Doc 9303-10 clause 4.6.1)
        return
    if not set(ber.find(content, File.COM.tag, TAG_LIST)) >= {FILES[number].tag for number in NEEDED}:
        raise MediumError("chip holds no zone or no face", code=DeviceCode.CARD_UNKNOWN_KIND)
