"""What once went wrong, or nearly: one test a fault, named after it."""

from __future__ import annotations

import asyncio

import pytest

from devices.errors import DeviceCode as Code
from devices.errors import DeviceFault, DeviceTimeout, DeviceUnavailable, OutcomeUnknown
from devices.printer import PrintOutcome, PrintProgress
from kiosk.errors import GatewayRejected, GatewayUnreachable
from kiosk.intents import Agreed, Chose, Submitted, SwitchedLanguage, SwitchedMode, WentBack, WentHome
from kiosk.runner import AGAIN, END
from kiosk.stage import LEAVE
from kiosk.views import Language, Mode, Slot
from offline_queue.errors import QueueError, QueueFull

CERTIFICATE, COMPLAINT = "DEMO-GF00101000", "DEMO-GF00801000"


async def to_prompt(book) -> None:
    await book.to_service(CERTIFICATE)
    book.does(Agreed)
    await book.expect("Prompt")


async def to_form(book) -> None:
    await to_prompt(book)
    book.reader.lay()
    await book.expect("Consent", key="consent_face.title")
    book.does(Agreed)
    await book.expect("Form", key="second_factor.title", within_s=10)
    book.does(Submitted, values=(("sms.code", "123456"),))
    await book.expect("Consent")
    book.does(Agreed)
    await book.expect("Form")


async def fill(book, **wanted: str) -> None:
    """Fill every page until the review shows."""
    for _ in range(12):
        if type(book.scene.view).__name__ == "Review":
            return
        answers = tuple((f.id, wanted.get(f.id.replace(".", "_"), f.value)) for f in book.scene.view.fields)
        book.does(Submitted, values=answers, complete=False)
        await book.clock.settle()
        answers = tuple((f.id, wanted.get(f.id.replace(".", "_"), f.value)) for f in book.scene.view.fields)
        book.does(Submitted, values=answers)
        await book.clock.settle()
    raise AssertionError(f"no review: {book.scene.view.title}")


async def to_review(book) -> None:
    await to_form(book)
    await fill(book)


async def send(book) -> None:
    await to_review(book)
    book.does(Agreed)


def leave(book) -> None:
    book.does(WentHome)
    book.does(Chose, LEAVE)


# -- the send key


async def test_leaving_while_central_is_slow_files_nothing(book):
    await to_review(book)
    asked = asyncio.Event()

    async def slow() -> tuple[()]:
        asked.set()
        await book.clock.sleep(8)
        return ()

    book.gateway.catalogue = slow
    book.does(Agreed)
    await book.expect("Progress")
    await asked.wait()
    leave(book)
    await book.expect("Goodbye", within_s=20)
    assert book.desk.handed_in == []


async def test_after_the_case_is_in_the_leave_key_is_gone(book):
    book.desk.settled_at_once = False
    await send(book)
    scene = await book.expect("Progress", key="submit.title")
    await book.clock.settle()
    assert "leave" not in {key.value for key in book.scene.keys}
    assert scene.view.stages


async def test_central_refusing_the_question_is_no_refusal_of_the_case(book):
    async def refuse(epoch: str, seq: int, wait_s: float) -> None:
        raise GatewayRejected("no", reason="token_expired")

    book.gateway.decision = refuse
    await send(book)
    await book.expect("Result", key="slip.title_received", within_s=5)
    assert ("alarm", {"code": "decision.unreadable"}) in book.desk.handed_in


async def test_a_business_code_without_words_never_reaches_the_glass(book):
    async def refuse(*_: object) -> None:
        raise GatewayRejected("no", reason="E4711")

    book.gateway.look_up = refuse
    await to_prompt(book)
    book.reader.lay()
    await book.expect("Consent")
    book.does(Agreed)
    await book.expect("Form", within_s=10)
    book.does(Submitted, values=(("sms.code", "123456"),))
    await book.expect("Consent")
    book.does(Agreed)
    scene = await book.expect("Result", key="say_no.title")
    assert scene.view.body[0].key == "rejected.other"


# -- paper


async def test_a_refetch_is_not_needed_and_cannot_fail_between_two_attempts(book):
    book.printer.script = [OutcomeUnknown("gone", job="j", device="document_printer")]
    book.printer.outcomes = [PrintOutcome.NOT_PRINTED]
    fetched = []
    original = book.gateway.document

    async def once(document: str) -> bytes:
        if fetched:
            raise GatewayUnreachable("down")
        fetched.append(document)
        return await original(document)

    book.gateway.document = once
    await send(book)
    await book.expect("Document", key="print.title_ready", within_s=30)
    assert len(book.printer.jobs) == 1


async def test_a_second_attempt_that_vanishes_is_asked_for_as_well(book):
    lost = OutcomeUnknown("gone", job="j", device="document_printer")
    book.printer.script = [lost, lost]
    book.printer.outcomes = [PrintOutcome.NOT_PRINTED, PrintOutcome.PRINTED]
    await send(book)
    await book.expect("Document", key="print.title_ready", within_s=30)
    assert book.printer.jobs == []
    assert "print" in book.desk.kinds()


async def test_paper_out_in_the_second_attempt_can_be_refilled(book):
    book.printer.script = [
        OutcomeUnknown("gone", job="j", device="document_printer"),
        DeviceFault("empty", code=Code.PAPER_OUT, device="document_printer"),
    ]
    book.printer.outcomes = [PrintOutcome.NOT_PRINTED]
    await send(book)
    scene = await book.expect("Fault", within_s=30)
    assert scene.view.options[0].id == AGAIN
    book.does(Chose, AGAIN)
    await book.expect("Document", key="print.title_ready", within_s=6)
    assert len(book.printer.jobs) == 1


async def test_every_attempt_has_a_title_of_its_own(book):
    titles = []
    original = book.printer.print

    async def noted(job, on_progress=None):
        titles.append(job.title)
        return await original(job, on_progress)

    book.printer.print = noted
    book.printer.script = [DeviceFault("jam", code=Code.PAPER_JAM, device="document_printer")]
    await send(book)
    await book.expect("Fault")
    book.does(Chose, AGAIN)
    await book.expect("Document", key="print.title_ready", within_s=6)
    assert len(set(titles)) == 2


async def test_sheets_that_came_out_before_a_jam_are_accounted_and_named_at_the_goodbye(book):
    async def jam(job, on_progress=None):
        on_progress(PrintProgress(1, 3))
        raise DeviceFault("jam", code=Code.PAPER_JAM, device="document_printer")

    book.printer.print = jam
    await send(book)
    await book.expect("Fault")
    assert ("print", {"document": "doc-1", "sheets": 1}) in book.desk.handed_in
    book.does(Chose, END)
    await book.expect("Result", key="slip.title_received")
    book.does(Agreed)
    scene = await book.expect("Goodbye", key="goodbye.title")
    assert Slot.DOCUMENT_TRAY in {item.slot for item in scene.view.belongings if not item.taken}


async def test_a_long_document_that_moves_is_not_cut_off_by_the_limit_for_standing_still(book):
    async def slowly(job, on_progress=None):
        for sheet in (1, 2, 3):
            await book.clock.sleep(100)
            on_progress(PrintProgress(sheet, 3))
        return await type(book.printer).print(book.printer, job, None)

    book.printer.print = slowly
    await send(book)
    await book.expect("Document", key="print.title_ready", within_s=310)
    assert len(book.printer.jobs) == 1


async def test_a_print_whose_record_fails_once_is_accounted_without_printing_again(book):
    original = book.desk.put_print
    failures = [QueueError("disk")]

    async def fails_once(*args: object) -> None:
        if failures:
            raise failures.pop()
        await original(*args)

    book.desk.put_print = fails_once
    await send(book)
    await book.expect("Fault")
    book.does(Chose, AGAIN)
    await book.expect("Document", key="print.title_ready")
    assert len(book.printer.jobs) == 1
    assert book.desk.kinds().count("print") == 1


# -- cards and faces


async def test_a_card_already_lying_there_is_not_read_before_it_was_lifted(book):
    book.reader.lay()
    await to_prompt(book)
    await book.expect("Prompt", key="read_card.lift_first")
    assert book.events("CardRead") == []
    book.reader.lift()
    await book.expect("Prompt", key="read_card.body", within_s=1)
    book.reader.reads.clear()
    book.reader.lay()
    await book.expect("Consent", key="consent_face.title")


async def test_a_card_laid_without_being_asked_for_is_looked_for_at_the_goodbye(book):
    await book.begin("services")
    await book.expect("Choice")
    book.reader.lay()
    leave(book)
    await book.expect("Goodbye", key="goodbye.title")
    book.reader.lift()
    await book.expect("Goodbye", key="goodbye.cleared", within_s=1)


async def test_trying_again_after_the_face_process_died_makes_a_new_one(book):
    book.face.deaths = 1
    await to_prompt(book)
    book.reader.lay()
    await book.expect("Consent")
    book.does(Agreed)
    scene = await book.expect("Fault", within_s=10)
    assert scene.view.happened.key == "fault.face.engine.happened"
    book.does(Chose, AGAIN)
    await book.expect("Form", key="second_factor.title", within_s=10)
    assert book.face.made == 2


async def test_a_silent_reader_at_the_goodbye_says_nothing_about_the_card(book):
    await to_prompt(book)
    book.reader.lay()
    await book.expect("Consent")

    async def silent() -> bool:
        raise DeviceTimeout("silent", device="id_reader")

    book.reader.card_present = silent
    leave(book)
    scene = await book.expect("Goodbye", key="goodbye.cleared", within_s=2)
    assert not scene.view.belongings[0].taken
    assert ("alarm", {"code": "belonging.unknown"}) in book.desk.handed_in
    await book.expect("Attract", within_s=10)


async def test_a_reader_that_is_gone_does_not_claim_the_card_was_taken(book):
    await to_prompt(book)
    book.reader.lay()
    await book.expect("Consent")

    async def gone() -> bool:
        raise DeviceUnavailable("unplugged", device="id_reader")

    book.reader.card_present = book.reader.probe = book.reader.open = gone
    leave(book)
    scene = await book.expect("Goodbye", key="goodbye.cleared", within_s=2)
    assert not scene.view.belongings[0].taken


# -- forms


async def test_what_was_typed_for_one_service_never_goes_out_with_another(book):
    await book.to_service(COMPLAINT)
    book.does(Agreed)
    await book.expect("Form")
    await fill(
        book,
        fb_kind="complaint",
        fb_text="我要投诉某某单位办事拖延。",
        fb_mobile="13800138000",
        fb_secret="yes",  # noqa: S106 - a field's name
        fb_about_kiosk="no",
    )
    while type(book.scene.view).__name__ != "Choice":
        book.does(WentBack)
        await book.clock.settle()
    book.does(Chose, CERTIFICATE)
    await book.expect("Guide")
    book.does(Agreed)
    await book.expect("Prompt")
    book.reader.lay()
    await book.expect("Consent", key="consent_face.title")
    book.does(Agreed)
    await book.expect("Form", key="second_factor.title", within_s=10)
    book.does(Submitted, values=(("sms.code", "123456"),))
    await book.expect("Consent")
    book.does(Agreed)
    await book.expect("Form")
    await fill(book)
    book.does(Agreed)
    await book.expect("Document")
    assert all(name.startswith("si.") for name in dict(book.desk.handed_in)["case"]["values"])


async def test_going_back_to_normal_type_in_a_form_skips_no_required_field(book):
    await book.begin("complaint")
    book.does(SwitchedMode, Mode.ELDER)
    await book.expect("Guide")
    book.does(Agreed)
    wanted = {
        "fb_kind": "complaint",
        "fb_text": "路灯坏了三天没有人修理。",
        "fb_mobile": "13800138000",
        "fb_about_kiosk": "no",
    }
    while True:
        scene = await book.expect("Form")
        if scene.view.fields[0].id == "fb.secret":
            break
        book.does(Submitted, values=tuple((f.id, wanted[f.id.replace(".", "_")]) for f in scene.view.fields))
        await book.clock.settle()
    book.does(SwitchedMode, Mode.NORMAL)
    book.does(Submitted, values=(("fb.secret", ""),))
    await book.clock.settle()
    await fill(book, **wanted, fb_secret="no")  # noqa: S106 - a field's name
    book.does(Agreed)
    await book.expect("Result", within_s=70)
    assert dict(book.desk.handed_in)["case"]["values"]["fb.secret"] == "no"


async def test_back_while_editing_one_field_returns_to_the_review(book):
    await to_review(book)
    book.does(Chose, "si.employer")
    await book.expect("Form")
    book.does(WentBack)
    await book.expect("Review")


# -- time and leaving


async def test_an_end_in_the_same_turn_as_a_result_is_not_lost(book):
    await to_prompt(book)
    book.reader.lay()
    leave(book)
    await book.expect("Goodbye")
    assert '"ending": "abandoned"' in (await wait_event(book, "VisitEnded"))


async def wait_event(book, name: str) -> str:
    for _ in range(200):
        if book.events(name):
            return book.events(name)[-1]
        await book.clock.advance(0.1)
    raise AssertionError(name)


async def test_leaving_while_the_rating_is_written_does_not_crash_the_goodbye(book):
    gate = asyncio.Event()

    async def slow(*_: object) -> None:
        await gate.wait()

    book.desk.put_rating = slow
    await send(book)
    await book.expect("Document", key="print.title_ready")
    book.does(Agreed)
    await book.expect("Rating")
    book.does(Submitted, values=(("grade", "5"),))
    await book.clock.settle()
    leave(book)
    gate.set()
    book.reader.lift()
    await book.expect("Attract", within_s=15)


async def test_leave_ends_a_check_that_hangs(book):
    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    book.gateway.check_code = hangs
    await to_prompt(book)
    book.reader.lay()
    await book.expect("Consent")
    book.does(Agreed)
    await book.expect("Form", within_s=10)
    book.does(Submitted, values=(("sms.code", "123456"),))
    await book.clock.settle()
    leave(book)
    await book.expect("Goodbye")


async def test_large_type_doubles_the_sessions_cap_also_when_chosen_later(book):
    await book.begin("services")
    await book.expect("Choice")
    book.does(SwitchedMode, Mode.ELDER)
    for _ in range(30):
        await book.clock.advance(50)
        book.does(Submitted, values=())
    assert book.events("VisitEnded") == []
    with pytest.raises(AssertionError):
        await book.expect("Attract")


async def test_language_and_size_left_behind_before_a_visit_are_taken_back(book):
    await book.expect("Attract", within_s=1)
    book.does(SwitchedLanguage, Language.EN)
    await book.clock.advance(61)
    assert book.scene.language is Language.ZH_CN


# -- staff


async def test_a_full_queue_does_not_kill_the_terminal_when_staff_are_to_be_told(book):
    async def full(*_: object) -> None:
        raise QueueFull("full")

    book.desk.put_alarm = full
    book.printer.script = [DeviceFault("empty", code=Code.PAPER_OUT, device="document_printer")]
    await send(book)
    await book.expect("Fault")
    await book.clock.advance(61)
    assert book.screen.scenes


async def test_a_cable_that_comes_and_goes_does_not_fill_the_outbox(book):
    await book.expect("Attract", within_s=1)
    up = True

    async def flaps():
        nonlocal up
        up = not up
        if not up:
            raise DeviceUnavailable("loose", device="camera")
        return await type(book.reader).probe(book.reader)

    book.camera.probe = flaps
    await book.clock.advance(600)
    assert book.desk.kinds().count("alarm") <= 2
