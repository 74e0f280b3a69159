"""The certificate: read, match, code, form, review, send, decide, print, rate, goodbye; and what can go wrong."""

from __future__ import annotations

import pytest

from devices.errors import DeviceCode as Code
from devices.errors import DeviceFault, MediumError, OutcomeUnknown
from devices.printer import PrintOutcome
from devices.values import Frame, PdfDocument, Pii, PiiWipedError
from kiosk.documents.seal import SealCode, SealRefused
from kiosk.errors import GatewayUnreachable
from kiosk.gateway import Decision, DecisionState, Lookup
from kiosk.identity.face import Verdict
from kiosk.intents import Agreed, Chose, Declined, Submitted
from kiosk.runner import AGAIN, END

CERTIFICATE = "DEMO-GF00101000"


async def to_face(book) -> None:
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt")
    book.reader.lay()
    await book.expect("Consent", key="consent_face.title")
    book.does(Agreed)


async def to_review(book) -> None:
    await to_face(book)
    await book.expect("Form", key="second_factor.title", within_s=10)
    book.does(Submitted, values=(("sms.code", "123456"),))
    await book.expect("Consent")
    book.does(Agreed)
    while True:
        scene = await book.expect("Form")
        book.does(Submitted, values=tuple((f.id, f.value) for f in scene.view.fields))
        await book.clock.settle()
        if type(book.scene.view).__name__ == "Review":
            return


async def to_paper(book) -> None:
    await to_review(book)
    book.does(Agreed)


async def to_end(book) -> None:
    await book.expect("Rating")
    book.does(Declined)
    await book.expect("Goodbye", key="goodbye.title")
    book.reader.lift()
    await book.expect("Goodbye", key="goodbye.cleared", within_s=6)
    await book.expect("Attract", within_s=5)


async def test_the_whole_visit_ends_with_one_print_and_everything_wiped(book):
    await to_paper(book)
    await book.expect("Document", key="print.title_ready")
    book.does(Agreed)
    await to_end(book)
    assert len(book.printer.jobs) == 1
    assert isinstance(book.printer.jobs[0], PdfDocument)
    assert book.desk.kinds() == ["case", "print"]
    assert book.desk.closed == 1
    assert book.face.open_checks == 0
    assert not book.camera.on
    assert len(book.events("SessionWiped")) == 1
    assert '"ending": "completed"' in book.events("VisitEnded")[0]


async def test_no_personal_value_reaches_the_log(book):
    await to_paper(book)
    await book.expect("Document", key="print.title_ready")
    book.does(Agreed)
    await to_end(book)
    for canary in ("张老伯", "999999195203070019", "138****"):
        assert canary not in book.log.getvalue()


async def test_a_wrong_face_is_never_told_who_it_is_not_and_nothing_is_printed(book):
    book.face.verdicts = [Verdict.NO_MATCH] * 3
    await to_face(book)
    scene = await book.expect("Result", key="no_face.title", within_s=60)
    assert scene.view.facts  # another place is named
    assert book.printer.jobs == []
    assert book.desk.handed_in == []
    book.does(Agreed)
    await book.expect("Goodbye")


async def test_unsure_is_not_a_match(book):
    book.face.verdicts = [Verdict.UNSURE] * 3
    await to_face(book)
    await book.expect("Result", key="no_face.title", within_s=60)


async def test_refusing_the_face_is_one_tap_and_offers_other_ways(book):
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt")
    book.reader.lay()
    await book.expect("Consent", key="consent_face.title")
    book.does(Declined)
    await book.expect("Result", key="no_face.title")
    assert book.camera.count == 0


async def test_a_card_lifted_early_is_asked_for_again_in_words(book):
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt")
    book.reader.lay(MediumError("lifted", code=Code.CARD_LIFTED))
    scene = await book.expect("Prompt", key="trouble.medium.card_lifted")
    assert scene.view.tries.key == "read_card.tries"
    book.reader.lay()
    await book.expect("Consent", key="consent_face.title")


async def test_after_three_unreadable_cards_another_way_is_offered(book):
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt")
    book.reader.lay(*[MediumError("dirt")] * 3)
    await book.expect("Result", key="no_card.title")


async def test_a_picture_of_no_use_is_asked_for_again_and_the_live_face_is_never_looped_over(book):
    book.face.photos = [False, True]
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt")
    first = book.card()
    book.reader.lay(first)
    await book.expect("Prompt", key="trouble.medium.card_photo")
    assert book.camera.count == 0
    with pytest.raises(PiiWipedError):
        first.number.reveal()
    book.reader.lay()
    await book.expect("Consent", key="consent_face.title")


async def test_three_pictures_of_no_use_lead_to_other_ways(book):
    book.face.photos = [False] * 3
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt")
    for _ in range(3):
        book.reader.lay()
        await book.clock.settle()
    await book.expect("Result", key="no_card.title")


async def test_a_camera_without_pictures_is_the_cameras_fault(book):
    async def nothing() -> Frame:
        raise DeviceFault("nothing for two seconds", code=Code.NO_FRAMES, device="camera")

    book.camera.frame = nothing
    await to_face(book)
    scene = await book.expect("Fault")
    assert scene.view.happened.key == "fault.device.no_frames.happened"


async def test_a_card_not_found_in_ten_seconds_gets_a_hint(book):
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt", key="read_card.body")
    await book.expect("Prompt", key="read_card.hint", within_s=11)


async def test_a_wrong_code_keeps_the_question_and_says_what_is_right(book):
    await to_face(book)
    await book.expect("Form", key="second_factor.title", within_s=10)
    book.does(Submitted, values=(("sms.code", "999999"),))
    await book.clock.settle()
    scene = await book.expect("Form", key="second_factor.title")
    assert scene.view.fields[0].error.key == "second_factor.wrong"


async def test_no_record_in_this_region_names_the_others(book):
    book.gateway.lookup = Lookup(known=True, record=False, other_regions=("示例县",))
    await to_face(book)
    await book.expect("Form", within_s=10)
    book.does(Submitted, values=(("sms.code", "123456"),))
    await book.expect("Consent")
    book.does(Agreed)
    scene = await book.expect("Result", key="say_no.title")
    assert scene.view.body[0].key == "look_up.elsewhere"


async def test_another_persons_document_is_refused_with_an_alarm(book):
    subject = book.verifier.subject
    book.verifier.subject = type(subject)(
        subject.kiosk, subject.epoch, subject.seq, Pii("测试李梅"), Pii("999999198808150023"), "doc-1", Pii("CODE")
    )
    await to_paper(book)
    scene = await book.expect("Fault")
    assert scene.view.happened.key == "fault.document.wrong_person.happened"
    assert book.printer.jobs == []
    assert ("alarm", {"code": "document.wrong_person"}) in book.desk.handed_in
    assert all(option.id != AGAIN for option in scene.view.options)
    book.does(Chose, END)
    await book.expect("Result", key="slip.title_received")  # the case is filed: its number is given
    book.does(Agreed)
    await book.expect("Goodbye")


async def test_a_broken_seal_is_refused_with_an_alarm(book):
    book.verifier.refusal = SealRefused(SealCode.COVERAGE)
    await to_paper(book)
    await book.expect("Fault")
    assert book.printer.jobs == []
    assert "alarm" in book.desk.kinds()


async def test_paper_out_before_the_job_is_said_and_tried_again_once_refilled(book):
    book.printer.script = [DeviceFault("empty", code=Code.PAPER_OUT, device="document_printer")]
    await to_paper(book)
    scene = await book.expect("Fault")
    assert scene.view.happened.key == "fault.device.paper_out.happened"
    book.does(Chose, AGAIN)
    await book.expect("Document", key="print.title_ready", within_s=6)
    assert len(book.printer.jobs) == 1


@pytest.mark.parametrize(("said", "prints"), [(PrintOutcome.PRINTED, 0), (PrintOutcome.NOT_PRINTED, 1)])
async def test_a_printer_that_vanished_is_asked_before_anything_is_printed_again(book, said, prints):
    book.printer.script = [OutcomeUnknown("gone", job="job-1", device="document_printer")]
    book.printer.outcomes = [PrintOutcome.UNKNOWN, said]
    await to_paper(book)
    await book.expect("Document", key="print.title_ready", within_s=30)
    assert len(book.printer.jobs) == prints


async def test_a_printer_that_never_answers_ends_without_a_second_print(book):
    book.printer.script = [OutcomeUnknown("gone", job="job-1", device="document_printer")]
    await to_paper(book)
    scene = await book.expect("Fault", within_s=130)
    assert scene.view.happened.key == "fault.device.outcome_unknown.happened"
    assert book.printer.jobs == []
    assert "alarm" in book.desk.kinds()


async def test_no_decision_in_a_minute_becomes_a_case_with_a_slip(book):
    book.gateway.decisions = [Decision(DecisionState.PENDING)] * 1000
    original = book.gateway.decision

    async def slow(epoch: str, seq: int, wait_s: float) -> Decision:
        await book.clock.sleep(wait_s)
        return await original(epoch, seq, wait_s)

    book.gateway.decision = slow
    await to_paper(book)
    await book.expect("Result", key="slip.title_received", within_s=70)
    assert len(book.slips.jobs) == 1


async def test_central_out_of_reach_at_the_send_key_loses_and_doubles_nothing(book):
    await to_review(book)
    book.gateway.failures["catalogue"] = GatewayUnreachable("down")
    book.does(Agreed)
    await book.expect("Result", key="apologise.title")
    assert book.desk.handed_in == []


async def test_editing_returns_exactly_to_the_review(book):
    await to_review(book)
    book.does(Chose, "si.employer")
    scene = await book.expect("Form")
    assert any(field.id == "si.employer" for field in scene.view.fields)
    changed = tuple((f.id, "no" if f.id == "si.employer" else f.value) for f in scene.view.fields)
    book.does(Submitted, values=changed)
    await book.expect("Review")
