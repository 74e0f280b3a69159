"""Visit files: what a person does, what must then be seen, and what must be true in the end. One YAML file a visit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from kiosk.views import Language, OverlayKind, Tone, View

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 10.0  # an answer of the machine takes at most this long unless the step says otherwise
VIEW_NAMES = frozenset(kind.__name__ for kind in View.__subclasses__())
EXIT_REFUSED = 64  # <sysexits.h> EX_USAGE


class VisitRefused(ValueError):
    """The file is no visit. Every problem at once, each with file, key and reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _known_view(name: str) -> str:
    if name not in VIEW_NAMES:
        raise ValueError(f"no view {name!r}; known are {', '.join(sorted(VIEW_NAMES))}")
    return name


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


ViewName = Annotated[str, pydantic.AfterValidator(_known_view)]
Words = Annotated[tuple[str, ...], pydantic.BeforeValidator(_listed)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class Strict(BaseModel):
    """Unknown keys are problems."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(Strict):
    """Wait until the screen shows this. All words must be there; none of ``without`` may."""

    view: ViewName | None = None
    text: Words = ()
    without: Words = ()
    tone: Tone | None = None
    overlay: OverlayKind | Literal["none"] | None = None
    within_s: Seconds = WAIT_S


class Tap(Strict):
    """Touch the control of this accessible name; ``nth`` of several, from 1."""

    name: str
    nth: Annotated[int, Field(ge=1)] = 1
    within_s: Seconds = WAIT_S


class Type(Strict):
    """Fill a field: its number pad, or the keyboard with pinyin and the candidate taken, or Latin letters."""

    field: str
    digits: str = ""
    pinyin: tuple[tuple[str, str], ...] = ()
    text: str = ""
    within_s: Seconds = WAIT_S

    @pydantic.model_validator(mode="after")
    def _one_way(self) -> Type:
        if sum(map(bool, (self.digits, self.pinyin, self.text))) != 1:
            raise ValueError("say one of digits, pinyin, text")
        return self


class WorldAction(BaseModel):
    """Something that happens at the machine; further keys are the action's values."""

    model_config = ConfigDict(extra="allow", frozen=True)
    action: str


class Wait(BaseModel):
    """Wait until the world's (or central's) state holds these values; numbers mean "at least"."""

    model_config = ConfigDict(extra="allow", frozen=True)
    within_s: Seconds = WAIT_S


class ExpectStep(Strict):
    """Look."""

    expect: Expect


class TapStep(Strict):
    """Touch."""

    tap: Annotated[Tap, pydantic.BeforeValidator(lambda v: {"name": v} if isinstance(v, str) else v)]


class TypeStep(Strict):
    """Fill a field."""

    type: Type


class ReadSmsStep(Strict):
    """Keep the code of the next text message under this name, for ``{name}`` later on."""

    read_sms: Annotated[str, Field(pattern=r"^[a-z_]+$")]


class WorldStep(Strict):
    """Let something happen at the machine."""

    world: Annotated[WorldAction, pydantic.BeforeValidator(lambda v: {"action": v} if isinstance(v, str) else v)]


class CentralStep(Strict):
    """Upset the far side."""

    central: dict[str, Any]


class WaitWorldStep(Strict):
    """Wait for the machine."""

    wait_world: Wait


class ScreenshotStep(Strict):
    """Take a picture now."""

    screenshot: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]


class ExpectReportStep(Strict):
    """Wait until the terminal's own report says this."""

    expect_report: Wait


STEPS: dict[str, type[Strict]] = {
    "expect": ExpectStep,
    "tap": TapStep,
    "type": TypeStep,
    "read_sms": ReadSmsStep,
    "world": WorldStep,
    "central": CentralStep,
    "wait_world": WaitWorldStep,
    "screenshot": ScreenshotStep,
    "expect_report": ExpectReportStep,
}


def _key(step: object) -> str | None:
    if isinstance(step, dict) and len(step) == 1:
        return str(next(iter(step)))
    return next(iter(type(step).model_fields)) if isinstance(step, Strict) else None


Step = Annotated[
    Annotated[ExpectStep, Tag("expect")]
    | Annotated[TapStep, Tag("tap")]
    | Annotated[TypeStep, Tag("type")]
    | Annotated[ReadSmsStep, Tag("read_sms")]
    | Annotated[WorldStep, Tag("world")]
    | Annotated[CentralStep, Tag("central")]
    | Annotated[WaitWorldStep, Tag("wait_world")]
    | Annotated[ScreenshotStep, Tag("screenshot")]
    | Annotated[ExpectReportStep, Tag("expect_report")],
    Discriminator(
        _key,
        custom_error_type="step",
        custom_error_message=f"a step is a map with one key of {', '.join(STEPS)}",
    ),
]


class PaperWords(Strict):
    """Words on paper, over all sheets or slips of the visit."""

    contains: Words = ()
    without: Words = ()


class Expectations(Strict):
    """What must be true when all is over; each is reported with the value found."""

    outcome: str
    prints: int | None = None
    slips: int | None = None
    print_text: PaperWords = PaperWords()
    slip_text: PaperWords = PaperWords()
    queue_pending: int | None = 0
    central_cases: dict[str, int] = {}
    alarms: tuple[str, ...] = ()
    views: tuple[ViewName, ...] = ()
    settle_s: Seconds = 15.0


class Visit(Strict):
    """One visit file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    about: str = ""
    language: Language = Language.ZH_CN
    size: Annotated[str, Field(pattern=r"^[1-9]\d{2,3}x[1-9]\d{2,3}$")] = "1080x1920"
    deadline_s: Seconds = 120.0
    settings: dict[str, Any] = {}
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    expectations: Expectations


class _OneKeyOnce(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error, not a silent loss."""


def _unique_map(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=deep) for key, _ in node.value]
    for key, (at, _) in zip(keys, node.value, strict=True):
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", at.start_mark)
    return loader.construct_mapping(node, deep=True)


# As in YAML 1.2: only true and false are. "on" and "off" are words, and values of the world's actions.
_OneKeyOnce.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag != "tag:yaml.org,2002:bool"]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_OneKeyOnce.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF")
)
_OneKeyOnce.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_map)


def read_visit(file: Path) -> Visit:
    """Read a visit. Raises ``VisitRefused`` with every problem found."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _OneKeyOnce)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise VisitRefused([f"{file}: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VisitRefused([f"{file}: not valid YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(content, dict):
        raise VisitRefused([f"{file}: expected a map with name, steps, expectations"])
    try:
        return Visit.model_validate(content)
    except pydantic.ValidationError as error:
        raise VisitRefused([f"{file}: {_at(e['loc'])}: {e['msg']}" for e in error.errors()]) from None


def _at(loc: tuple[int | str, ...]) -> str:
    """Return the place in the file's own words: without the tags of the union of steps."""
    parts = [str(part) for part in loc]
    return ".".join(part for part, before in zip(parts, ["", *parts], strict=False) if part != before) or "file"
