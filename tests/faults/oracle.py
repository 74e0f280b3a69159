"""What must hold at the end of every visit, whatever broke: paper, card, case, data, staff, words, exits, time.

Nothing here asks the code under test what it meant to do: sheets are counted in the tray, cards on the reader, cases in
the outbox, and words on the glass.
"""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from devices.printer import PrintOutcome
from kiosk.texts import catalogue
from kiosk.views import Attract, Fault, Goodbye, Key, Language, Mode, OutOfService, Progress, Scene, Text
from tests.faults.expected import End, expected
from tests.journeys.conftest import NAME, NUMBER, NUMBER_GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.bench import Bench

CANARIES = (NAME, NUMBER, "13800138000", "路灯坏了三天")
WORKING = frozenset({"Progress", "Document", "Camera"})
WORKS_AT_MOST_S = 135.0  # a blocked printer is waited for longest: two minutes, and what the printer is asked after
CLEARING_AT_MOST_S = 11.0  # a lost device is looked at before the goodbye can speak of it
TROUBLE = ("device.other", "bench")  # what the bench itself raises where an alarm is to be refused
PROMISE = "Staff have been told"
THANKS = frozenset({"slip.title_received", "slip.title_taken_in", "print.title_ready"})


_ENDS = {
    "completed": End.DONE,
    "taken_in": End.TAKEN_IN,
    "failed": End.FAULT,
    "refused": End.REFUSED,
    "abandoned": End.OTHER_WAY,
    "timed_out": End.TIMED_OUT,
}


def end_of(bench: Bench) -> End | None:
    """Return how it ended; ``None``: it did not."""
    story = bench.story
    if story.crash is not None or story.stuck:
        return None
    if story.never_begun:
        return End.NOT_OFFERED
    ended = story.events("VisitEnded")
    return _ENDS[ended[-1]["ending"]] if ended else None


def faults_of(bench: Bench) -> list[str]:
    """Return everything that does not hold, in plain words."""
    story = bench.story
    if story.crash is not None:
        return [f"crash: {story.crash!r}"]
    if story.stuck:
        return ["stuck: the terminal did not come back to an untouched screen"]
    end, cells = end_of(bench), story.run.cells
    wrong = len(cells) == 1 and not story.run.resident and end not in expected(cells[0])
    problems = [f"end: {end}, where {sorted(expected(cells[0]))} is right"] if wrong else []
    checks = (_frame, _paper, _card, _case, _data, _staff, _words, _exits, _time)
    return problems + [problem for check in checks for problem in check(bench)]


def _frame(bench: Bench) -> Iterator[str]:
    last = bench.screen.scenes[-1]
    if not isinstance(last.view, Attract | OutOfService):
        yield f"frame: ends on {type(last.view).__name__}"
    if (last.language, last.mode) != (Language.ZH_CN, Mode.NORMAL):
        yield "frame: language or size of the last resident is left"
    for session in bench.story.sessions:
        if not session.wiped:
            yield "frame: a session was not wiped"
    if bench.screen.wipes < len(bench.story.sessions):
        yield "frame: the screen was not wiped"
    if bench.machines["camera"].on:
        yield "frame: the camera is still on"
    if bench.terminal._tools.face.open_checks:
        yield "frame: a face check is still open"


def _paper(bench: Bench) -> Iterator[str]:
    jobs = bench.machines["document_printer"].jobs
    fell = sum(job.out for job in jobs)
    known = sum(job.told for job in jobs)
    records = [body for kind, body in bench.desk.handed_in if kind == "print"]
    written = sum(int(str(body["sheets"])) for body in records)
    whole = sum(job.whole for job in jobs)
    if whole > 1:
        yield f"paper: {whole} whole copies of one document came out"
    if sum(1 for body in records if body["outcome"] == PrintOutcome.PRINTED.value) > 1:
        yield "paper: two copies were written down as printed"
    told = {code for code, _ in _alarms(bench)}
    never_asked = any(plant.cell.role == "document_printer" and plant.cell.times == "forever" for plant in bench.plants)
    unknown = any(job.outcome is PrintOutcome.UNKNOWN for job in jobs)
    if unknown or (never_asked and "print.outcome_unknown" in told):
        if not known <= written <= fell:
            yield f"paper: {known} sheets were seen to come out, {written} are written down"
        if "print.outcome_unknown" not in told:
            yield "paper: nobody was told that a sheet may lie there"
    elif fell != written and not ({"print.unaccounted"} & told and _queue_struck(bench, "print")):
        yield f"paper: {fell} sheets came out, {written} are written down"
    if any(cell.fault in {"seal_broken", "wrong_person"} for cell in bench.story.run.cells) and fell:
        yield "paper: a document that proves nothing, or another person's, was printed"
    if fell and not _named(bench, "document_tray") and not _taken(bench):
        yield "paper: sheets lie in the tray and the goodbye does not name them"
    slips = bench.machines["receipt_printer"].jobs
    if sum(job.whole for job in slips) > 1:
        yield "paper: two slips of one case came out"
    if any(job.told >= job.sheets for job in slips) and not _named(bench, "receipt_slot"):
        yield "paper: a slip came out and the goodbye does not know"


def _queue_struck(bench: Bench, moment: str) -> bool:
    return any(plant.fired and plant.cell.moment == moment for plant in bench.plants)


def _taken(bench: Bench) -> bool:
    return any(scene.view.title.key == "print.title_ready" for _, scene in bench.story.scenes)


def _named(bench: Bench, slot: str) -> bool:
    return any(
        item.slot == slot
        for _, scene in bench.story.scenes
        if isinstance(scene.view, Goodbye)
        for item in scene.view.belongings
    )


def _card(bench: Bench) -> Iterator[str]:
    story = bench.story
    byes = [scene.view for _, scene in story.scenes if isinstance(scene.view, Goodbye)]
    cards = [(view, item) for view in byes for item in view.belongings if item.slot == "id_reader"]
    unsure = "belonging.unknown" in {code for code, _ in _alarms(bench)}
    if story.lying_at_end and not cards:
        yield "card: one lay there and the goodbye did not speak of it"
    if story.lying_at_end and not any(not item.taken for _, item in cards):
        yield "card: one lay there and the goodbye said it was taken"
    if story.lying_at_attract and not unsure:
        yield "card: one still lies there, the next resident is served, and staff do not know"


def _case(bench: Bench) -> Iterator[str]:
    story = bench.story
    puts = [body for kind, body in bench.desk.handed_in if kind == "case"]
    if len(puts) > 1:
        yield f"case: handed in {len(puts)} times"
    told_at = [at for at, scene in story.scenes if NUMBER_GIVEN in _said(scene)]
    thanked = [at for at, scene in story.scenes if scene.view.title.key in THANKS]
    for at in (*told_at, *thanked):
        if bench.desk.case_at is None or at < bench.desk.case_at:
            yield "case: a number or thanks were shown before the case was durable"
            break
    if puts and not told_at and not _taken(bench) and end_of(bench) is not End.REFUSED:
        yield "case: taken in, and its number was never shown"
    if puts and not thanked and end_of(bench) in {End.DONE, End.TAKEN_IN}:
        yield "case: no word of thanks and no paper"
    if not puts and end_of(bench) in {End.DONE, End.TAKEN_IN}:
        yield "case: the visit ended well without a case"


def _data(bench: Bench) -> Iterator[str]:
    alarms = json.dumps([body for kind, body in bench.desk.handed_in if kind != "case"], ensure_ascii=False)
    for canary in CANARIES:
        if canary in bench.log:
            yield "data: the log names a person"
        if canary in alarms:
            yield "data: an item that is no case names a person"
    for card in bench.machines["id_reader"].read_one:
        if any(_readable(value) for value in (card.name, card.number)):
            yield "data: a card that was read is still readable"
    over = [line["t"] for line in bench.story.events("SessionWiped")]
    for at, scene in bench.story.scenes:
        if over and at > over[-1] and any(canary in _said(scene) for canary in CANARIES):
            yield "data: the screen names a person after the goodbye"


def _readable(value: Any) -> bool:
    try:
        return bool(value.reveal())
    except Exception:  # noqa: BLE001 - whatever a wiped value raises, it is not readable
        return False


def _alarms(bench: Bench) -> list[tuple[str, str]]:
    return [(str(body["code"]), str(body["subject"])) for kind, body in bench.desk.handed_in if kind == "alarm"]


def _staff(bench: Bench) -> Iterator[str]:
    alarms = _alarms(bench)
    lost = any(plant.cell.role == "queue" and plant.cell.moment == "alarm" for plant in bench.plants)
    for _, scene in bench.story.scenes:
        if isinstance(scene.view, Fault) and any(
            PROMISE in catalogue(Language.EN).get(part.key, "")
            for part in (scene.view.happened, scene.view.means, scene.view.do)
        ):
            queue_dead = any(plant.cell.role == "queue" for plant in bench.plants)
            if not alarms and not lost and not queue_dead:
                yield f"staff: {scene.view.happened.key} says that staff have been told, and nobody was"
                break
    for plant in bench.plants:
        cell = plant.cell
        if cell.moment == "alarm" and cell.times != "forever" and TROUBLE not in alarms and _begun(bench):
            yield "staff: an alarm that the outbox refused at first was lost"
        if cell.fault.startswith("medium.") and any(subject == cell.role for _, subject in alarms):
            yield "staff: told of a device for the resident's own card"
        if cell.role in bench.machines and plant.fired and not cell.fault.startswith("medium."):
            passed = cell.fault.startswith("says.") and cell.times == "once"  # over before anybody had to wait long
            degraded = plant.health_degraded or (passed and any(job.whole for job in _jobs(bench, cell.role)))
            named = any(subject == cell.role for _, subject in alarms) or _event_names(bench, cell)
            if not named and not degraded and not lost:
                yield f"staff: nobody was told of {cell.role} {cell.fault}"


def _begun(bench: Bench) -> bool:
    return bool(bench.story.sessions)


def _jobs(bench: Bench, role: str) -> list[Any]:
    return getattr(bench.machines[role], "jobs", [])


def _event_names(bench: Bench, cell: Any) -> bool:
    codes = {"AlarmRaised", "StepFailed", "PrintBlocked", "DeviceChanged"}
    return any(line["event"] in codes for line in bench.story.lines)


def _texts(value: object) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
        for _, argument in value.args:
            yield from _texts(argument)
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield from _texts(getattr(value, one.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)


def _said(scene: Scene) -> str:
    """Return all plain words of a scene."""
    words = [word for text in _texts(scene) for _, word in text.words]
    return " ".join([*words, getattr(scene.view, "number", "")])


def _words(bench: Bench) -> Iterator[str]:
    missing = {
        f"{language.value}: {text.key}"
        for _, scene in bench.story.scenes
        for text in _texts(scene)
        for language in Language
        if text.key and text.key not in catalogue(language)
    }
    yield from (f"words: no text for {key}" for key in sorted(missing))


def _exits(bench: Bench) -> Iterator[str]:
    for _, scene in bench.story.scenes:
        view = scene.view
        if isinstance(view, Attract | OutOfService | Goodbye | Progress) or Key.LEAVE in scene.keys:
            continue
        options = any(option.enabled for option in getattr(view, "options", ()))
        if not options and not getattr(view, "done", None) and type(view).__name__ not in WORKING:
            yield f"exits: {type(view).__name__} {view.title.key} leaves no way out"
            return


def _time(bench: Bench) -> Iterator[str]:
    scenes = bench.story.scenes
    for (at, scene), (then, _) in pairwise(scenes):
        kind, lasted = type(scene.view).__name__, then - at
        ready = getattr(scene.view, "ready", False)
        if kind in WORKING and not ready and lasted > WORKS_AT_MOST_S:
            yield f"time: {kind} {scene.view.title.key} stood for {lasted:.0f} s without a word"
            return
        clearing = kind == "Goodbye" and scene.view.title.key == "goodbye.clearing"
        if clearing and lasted > CLEARING_AT_MOST_S:
            yield f"time: the goodbye came after {lasted:.0f} s"
            return
