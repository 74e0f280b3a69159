"""The closed vocabulary between core and screen: what is shown (views) and what the resident did (intents).

Everything here is immutable and made of text keys and plain values; nothing else crosses the threads. A new kind of
view needs an ADR. Values that name a person are excluded from ``repr``: a view may be shown, never logged.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Language(enum.StrEnum):
    """Languages of the interface."""

    ZH_CN = "zh_CN"
    EN = "en"


class Mode(enum.StrEnum):
    """How large and how many things at once."""

    NORMAL = "normal"
    ELDER = "elder"  # 大字版: larger text, one question a screen, doubled timers


@dataclass(frozen=True, slots=True)
class Text:
    """Words to be shown in the resident's language: a key of the text catalogue, or words that data brought along.

    ``args`` fill the ``{name}`` places of the catalogue's text; an argument may itself be a ``Text``.
    ``words`` maps language to words; the language ``"*"`` means "the same in every language" (a name, a number).
    """

    key: str = ""
    args: tuple[tuple[str, str | int | Text], ...] = field(default=(), repr=False)
    words: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.key or self.words)


def text(key: str, **args: str | int | Text) -> Text:
    """Return the catalogue's text ``key`` with its places filled."""
    return Text(key=key, args=tuple(args.items()))


def words(by_language: Mapping[str, str]) -> Text:
    """Return words a service package or central brought, by language code."""
    return Text(words=tuple(by_language.items()))


def plain(value: str | int) -> Text:
    """Return a value that reads the same in every language."""
    return Text(words=(("*", str(value)),))


NOTHING = Text()


class Slot(enum.StrEnum):
    """The part of the machine that matters now; the machine's outline lights it."""

    NONE = "none"
    ID_READER = "id_reader"
    CAMERA = "camera"
    DOCUMENT_TRAY = "document_tray"  # A4 sheets
    RECEIPT_SLOT = "receipt_slot"  # 80 mm slips


class Tone(enum.StrEnum):
    """What a message means; shown by shape and word as well as colour."""

    NEUTRAL = "neutral"
    GOOD = "good"
    TAKEN_IN = "taken_in"  # 收件: in our hands, not yet accepted by the office
    ATTENTION = "attention"
    SORRY = "sorry"


@dataclass(frozen=True, slots=True)
class Option:
    """Something to tap. ``reason`` says why it cannot be chosen when ``enabled`` is false."""

    id: str
    title: Text
    detail: Text = NOTHING
    enabled: bool = True
    reason: Text = NOTHING
    icon: str = ""  # name of a drawing of the screen's own set: "certificate", "complaint", "query", "large_type" ...


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled line."""

    label: Text
    value: Text = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One screen. ``title`` is also what a screen reader says first."""

    title: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Attract(View):
    """Row 0. Nobody is served. Intents: ``Chose(entry)``, ``Touched``."""

    entries: tuple[Option, ...]
    notices: tuple[Text, ...] = ()
    status: Text  # state of the machine in words
    whole: bool  # every service can be finished: the mark beside the words
    online: bool
    place_name: Text  # which machine this is: hall and number


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(View):
    """Rows 1 and 2, and plain questions. Intent: ``Chose(option)``; with ``searchable`` also ``Submitted(query)``."""

    lead: Text = NOTHING
    options: tuple[Option, ...]
    searchable: bool = False
    query: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide(View):
    """Row 3. Readable without identity. Intent: ``Agreed`` starts."""

    lead: Text = NOTHING
    facts: tuple[Fact, ...]
    notice: Text = NOTHING  # e.g. the offline notice: taken in now, sent later
    start: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(View):
    """Row 4. Asks for something to be done at the machine, which itself ends the wait. Intent: ``Chose(option)``."""

    body: Text
    slot: Slot
    tone: Tone = Tone.NEUTRAL
    tries: Text = NOTHING
    options: tuple[Option, ...] = ()  # other ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(View):
    """Row 5. What happens and why; both keys of one size. Intents: ``Agreed``, ``Declined``."""

    paragraphs: tuple[Text, ...]
    agree: Text
    decline: Text
    slot: Slot = Slot.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera(View):
    """Row 5. The live picture, mirrored, with one hint. Frames come beside the view, latest wins."""

    hint: Text
    tone: Tone = Tone.NEUTRAL
    busy: bool = False  # comparing: the picture stands still
    options: tuple[Option, ...] = ()


class FieldKind(enum.StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    DIGITS = "digits"  # phone, code: own number pad
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"  # value: option ids joined by ","
    YES_NO = "yes_no"  # value: "yes", "no" or ""
    MONTH_RANGE = "month_range"  # value: "2025-12/2026-11"
    DATE = "date"  # value: "2026-11-21"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One open field of a form."""

    id: str
    label: Text
    kind: FieldKind
    value: str = field(default="", repr=False)
    required: bool = True
    options: tuple[Option, ...] = ()
    hint: Text = NOTHING
    error: Text = NOTHING  # what would be right
    max_length: int = 0  # characters; 0: no limit
    minimum: str = ""  # dates and months: earliest
    maximum: str = ""  # dates and months: latest


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownField:
    """A field somebody else has filled: folded into "we already know this"."""

    label: Text
    value: str = field(repr=False)  # already masked where its class asks for it
    source: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(View):
    """Row 7. Intents: ``Submitted`` (``complete`` false when a choice changed: the core may show other fields)."""

    lead: Text = NOTHING
    known: tuple[KnownField, ...] = ()
    fields: tuple[Field, ...]
    submit: Text
    options: tuple[Option, ...] = ()  # e.g. send the code again


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One line of what will be sent. ``edit`` names the field to go back to; empty: cannot be changed here."""

    label: Text
    value: Text = field(repr=False)
    edit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(View):
    """Row 11. Intents: ``Agreed`` sends, ``Chose(edit)`` goes back to that field."""

    rows: tuple[ReviewRow, ...]
    promise: Text
    submit: Text


class StageState(enum.StrEnum):
    """State of one step of something that runs."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressStage:
    """One step of something that runs, with a word for its state."""

    label: Text
    state: StageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(View):
    """Rows 13 and 14. The machine works; says what it waits for. Intent: ``Chose(option)`` where offered."""

    stages: tuple[ProgressStage, ...]
    waiting_for: Text = NOTHING
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(View):
    """Row 15. Paper on its way or waiting. Intent: ``Agreed`` (taken) once ``ready``."""

    body: Text
    slot: Slot
    sheet: int  # the sheet being printed, from 1
    sheets: int
    ready: bool
    tone: Tone = Tone.NEUTRAL  # ATTENTION: stopped, somebody has to help
    done: Text = NOTHING  # the key's word once ready
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(View):
    """The end of a service in words. Intent: ``Agreed`` goes on; ``Chose(option)`` where offered."""

    tone: Tone
    body: tuple[Text, ...]
    facts: tuple[Fact, ...] = ()
    done: Text
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating(View):
    """Row 17. Five grades with words. Intents: ``Submitted`` with ``grade`` and ``reasons``; ``Declined`` skips."""

    lead: Text
    grades: tuple[Option, ...]  # ids "5" (best) to "1"
    reasons: tuple[Option, ...]  # shown with grades 1 and 2
    submit: Text
    skip: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """One thing that came in or out during the visit."""

    label: Text
    slot: Slot
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye(View):
    """Rows 18 and 19. What is still in; then ``cleared``: the data are gone. Sensors end it where there are any."""

    belongings: tuple[Belonging, ...]
    cleared: bool
    body: Text
    done: Text = NOTHING
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(View):
    """What happened, what it means for you, what to do, one number to quote; never a code alone, never blame."""

    happened: Text
    means: Text
    do: Text
    number: str
    slot: Slot = Slot.NONE
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfService(View):
    """The machine serves nobody: since when, and where else."""

    body: Text
    since: Text
    elsewhere: tuple[Fact, ...]


class Colour(enum.StrEnum):
    """How something is. A word and a shape say the same beside the colour."""

    GREEN = "green"  # works, and has proved it
    YELLOW = "yellow"  # works, somebody should look
    RED = "red"  # does not work
    GREY = "grey"  # not known, not fitted, not asked


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceRow:
    """One line of a section. ``id`` is unique in its section; with ``opens`` it can be chosen: ``Chose(id)``."""

    id: str
    label: Text
    value: Text
    colour: Colour = Colour.GREY
    detail: Text = NOTHING
    opens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSection:
    """Lines under a heading; ``colour`` is the worst of its lines."""

    id: str
    title: Text
    colour: Colour
    rows: tuple[MaintenanceRow, ...]


class MaintenancePage(enum.StrEnum):
    """Which page of the service mode a view is; the screen may lay pages out differently. Closed."""

    WAITING = "waiting"  # in service, nobody proved: what residents see, with the time promised
    SIGN_ON = "sign_on"  # order number and PIN
    OVERVIEW = "overview"  # sections by colour, and what can be done
    SECTION = "section"  # one section in full
    TESTS = "tests"  # self-tests running or run
    QUESTION = "question"  # the technician is asked something, or asked to do something
    REPAIR = "repair"  # one step of a guided repair
    RECORD = "record"  # something is typed into a record: refill, found item, voided sheets
    DONE = "done"  # the outcome of something in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance(View):
    """The technician's service mode, page by page. No personal data of residents is ever in it.

    Intents: ``Chose(option or row)``, ``Submitted`` with the values of ``fields``, ``WentBack`` where the key is there.
    What is typed into a field named in ``secret`` is shown as dots and dropped with the page.
    """

    page: MaintenancePage
    lead: Text = NOTHING
    tone: Tone = Tone.NEUTRAL
    who: Text = NOTHING  # staff number, role and order
    sections: tuple[MaintenanceSection, ...] = ()
    stages: tuple[ProgressStage, ...] = ()
    fields: tuple[Field, ...] = ()
    secret: frozenset[str] = frozenset()
    submit: Text = NOTHING
    options: tuple[Option, ...] = ()
    picture: str = ""  # name of a drawing of the screen's own set, for a repair step
    slot: Slot = Slot.NONE
    promised: Text = NOTHING  # when the machine is expected back
    elsewhere: tuple[Fact, ...] = ()  # while waiting: where residents can go instead


class OverlayKind(enum.StrEnum):
    """What lies over a view."""

    IDLE_WARNING = "idle_warning"
    HELP = "help"
    LEAVE = "leave"  # really leave?


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A question over the view, which stays as it was. Intent: ``Chose(action)``."""

    kind: OverlayKind
    title: Text
    lines: tuple[Text, ...] = ()
    seconds: int | None = None  # countdown
    actions: tuple[Option, ...]


class Key(enum.StrEnum):
    """Keys that are always in the same place; a scene lists those that work now."""

    BACK = "back"
    LEAVE = "leave"
    HELP = "help"
    LANGUAGE = "language"
    MODE = "mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All the screen has to know at one moment. ``turn`` names the question; intents repeat it, older ones are ignored.

    A scene with the ``turn`` of the one before is an update of the same question: what was typed stays.
    """

    turn: int
    view: View
    language: Language
    mode: Mode
    keys: frozenset[Key] = frozenset()
    place: tuple[int, int] | None = None  # (3, 7): shown in words
    banner: Text = NOTHING  # e.g. the network is down
    overlay: Overlay | None = None
