"""What holds on every screen: time, leaving, help, language, size, stale taps, the complaint, the network."""

from __future__ import annotations

from kiosk.errors import GatewayUnreachable
from kiosk.intents import Agreed, AskedHelp, Chose, Submitted, SwitchedLanguage, SwitchedMode, Touched, WentHome
from kiosk.stage import LEAVE, STAY
from kiosk.views import Language, Mode, OverlayKind

COMPLAINT_FIRST = (("fb.kind", "report"),)


async def fill_complaint(book) -> None:
    await book.begin("complaint")
    await book.expect("Guide")
    book.does(Agreed)
    wanted = {
        "fb.kind": "report",
        "fb.anonymous": "yes",
        "fb.text": "小区门口的路灯坏了三天没有人修。",
        "fb.about_kiosk": "no",
    }
    while True:
        scene = await book.expect("Form")
        book.does(Submitted, values=tuple((f.id, wanted.get(f.id, "")) for f in scene.view.fields), complete=False)
        await book.clock.settle()
        book.does(Submitted, values=tuple((f.id, wanted.get(f.id, "")) for f in book.scene.view.fields))
        await book.clock.settle()
        if type(book.scene.view).__name__ == "Review":
            return


async def test_after_a_minute_the_resident_is_warned_and_after_thirty_seconds_wiped(book):
    await book.begin("services")
    await book.expect("Choice")
    await book.clock.advance(59)
    assert book.scene.overlay is None
    await book.clock.advance(2)
    assert book.scene.overlay is not None
    assert book.scene.overlay.kind is OverlayKind.IDLE_WARNING
    assert book.scene.overlay.seconds == 29
    await book.clock.advance(30)
    await book.expect("Goodbye", within_s=1)
    assert '"ending": "timed_out"' in book.events("VisitEnded")[0]
    assert book.screen.wipes == 1


async def test_any_touch_renews_the_time(book):
    await book.begin("services")
    await book.expect("Choice")
    await book.clock.advance(80)
    book.does(Touched)
    await book.clock.settle()
    assert book.scene.overlay is None
    await book.clock.advance(59)
    assert book.scene.overlay is None


async def test_large_type_doubles_the_time(book):
    await book.begin("large_type")
    await book.expect("Choice", key="choose_service.title")
    assert book.scene.mode is Mode.ELDER
    await book.clock.advance(119)
    assert book.scene.overlay is None
    await book.clock.advance(2)
    assert book.scene.overlay.seconds in {58, 59, 60}


async def test_leaving_asks_once_and_then_clears(book):
    await book.begin("services")
    await book.expect("Choice")
    book.does(WentHome)
    assert book.scene.overlay.kind is OverlayKind.LEAVE
    book.does(Chose, STAY)
    assert book.scene.overlay is None
    book.does(WentHome)
    book.does(Chose, LEAVE)
    await book.expect("Goodbye")
    await book.expect("Attract", within_s=5)


async def test_help_covers_the_view_and_gives_it_back(book):
    await book.begin("services")
    await book.expect("Choice")
    before = book.scene.view
    book.does(AskedHelp)
    assert book.scene.overlay.kind is OverlayKind.HELP
    book.does(Chose, STAY)
    assert book.scene.view == before
    assert len(book.events("HelpAsked")) == 1


async def test_a_tap_on_an_older_question_is_ignored(book):
    await book.begin("services")
    await book.expect("Choice", key="choose_language.title")
    old = book.scene.turn
    book.does(Chose, "zh_CN")
    await book.expect("Choice", key="choose_service.title")
    book.terminal.post(Chose(old, "DEMO-GF00801000"))
    await book.clock.settle()
    assert book.scene.view.title.key == "choose_service.title"


async def test_language_and_size_change_at_once_and_keep_the_question(book):
    await book.begin("services")
    await book.expect("Choice")
    turn = book.scene.turn
    book.does(SwitchedLanguage, Language.EN)
    book.does(SwitchedMode, Mode.ELDER)
    assert (book.scene.language, book.scene.mode, book.scene.turn) == (Language.EN, Mode.ELDER, turn)


async def test_the_next_person_starts_from_nothing(book):
    await book.begin("large_type")
    await book.expect("Choice")
    book.does(SwitchedLanguage, Language.EN)
    book.does(WentHome)
    book.does(Chose, LEAVE)
    scene = await book.expect("Attract", within_s=10)
    assert (scene.language, scene.mode) == (Language.ZH_CN, Mode.NORMAL)


async def test_an_anonymous_complaint_holds_no_card_and_no_phone(book):
    await fill_complaint(book)
    book.does(Agreed)
    await book.expect("Result", key="slip.title_received", within_s=70)
    case = dict(book.desk.handed_in)["case"]
    assert case["identity"] == {"level": "none", "card": None, "face": None, "sms": None}
    assert "fb.mobile" not in case["values"]
    assert book.camera.count == 0


async def test_a_complaint_without_a_network_is_taken_in_and_says_so(book):
    await book.expect("Attract", within_s=1)
    book.gateway.failures["catalogue"] = GatewayUnreachable("down")
    await book.clock.advance(61)
    scene = await book.expect("Attract")
    assert not scene.view.online
    assert not next(entry for entry in scene.view.entries if entry.id == "query").enabled
    await fill_complaint(book)
    assert book.scene.view.submit.key == "review.submit_offline"
    book.does(Agreed)
    scene = await book.expect("Result", key="slip.title_taken_in")
    assert scene.view.facts[0].value.words[0][1] == "0001-261121-0001-0000"
    book.does(Agreed)
    await book.expect("Rating")


async def test_a_receipt_that_does_not_come_turns_received_into_taken_in(book):
    book.desk.settled_at_once = False
    await fill_complaint(book)
    book.does(Agreed)
    await book.expect("Result", key="slip.title_taken_in", within_s=16)


async def test_a_service_whose_device_is_missing_is_shown_with_the_reason(book):
    await book.begin("services")
    await book.expect("Choice")
    book.does(Chose, "zh_CN")
    await book.expect("Choice", key="choose_service.title")

    async def gone() -> None:
        raise book.printer_gone

    from devices.errors import DeviceUnavailable  # noqa: PLC0415 - the fault of this test alone

    book.printer_gone = DeviceUnavailable("unplugged", device="document_printer")
    book.printer.probe = gone
    book.printer.open = gone
    await book.clock.advance(6)
    book.does(Submitted, values=(("query", ""),))
    await book.clock.settle()
    options = {option.id: option for option in book.scene.view.options}
    assert not options["DEMO-GF00101000"].enabled
    assert options["DEMO-GF00101000"].reason.key == "obstacle.device"
    assert options["DEMO-GF00801000"].enabled
    assert ("alarm", {"code": "device.absent"}) in book.desk.handed_in  # "staff have been told" is true
