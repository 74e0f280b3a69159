"""The shape of a service package. Unknown keys are refused; every problem of a package is told at once."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from kiosk.catalogue.rules import Condition, RuleError
from kiosk.errors import PackageError
from kiosk.views import Text, words

if TYPE_CHECKING:
    from pathlib import Path

Model = TypeVar("Model", bound=BaseModel)
ITEM_CODE = r"^DEMO-[A-Z]{2}\d{5}\d{3}$|^[A-Za-z0-9]{8,64}$"
"""Item codes are opaque; the starter catalogue's begin with DEMO- so that none is taken for a real one."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Phrase(_Strict):
    """Words in every language of the interface."""

    zh_CN: Annotated[str, Field(min_length=1)]  # noqa: N815 - a language code
    en: Annotated[str, Field(min_length=1)]

    def text(self) -> Text:
        """Return the words as a view's text."""
        return words({"zh_CN": self.zh_CN, "en": self.en})


class FieldType(enum.StrEnum):
    """What a field holds, and so how it is checked (kiosk/catalogue/values.py)."""

    NAME_CN = "name_cn"
    RESIDENT_ID = "resident_id"
    MOBILE_CN = "mobile_cn"
    TEXT = "text"
    LONG_TEXT = "long_text"
    ENUM = "enum"
    MULTI_ENUM = "multi_enum"
    BOOL = "bool"
    DATE = "date"
    MONTH_RANGE = "month_range"
    CONSENT = "consent"


class Identity(enum.StrEnum):
    """How sure the terminal has to be of who it serves."""

    NONE = "none"
    CARD = "card"
    CARD_FACE = "card+face"


class Decision(enum.StrEnum):
    """Who decides, and when."""

    INSTANT = "instant"
    SYNC_60S = "sync_60s"
    ASYNC = "async"


class Offline(enum.StrEnum):
    """What is possible while central cannot be reached."""

    ONLINE_ONLY = "OFF-0"
    TAKE_IN = "OFF-1"


class OptionDef(Phrase):
    """One option of a choice."""

    id: str


class FieldDef(_Strict):
    """One field of a form or of the dictionary."""

    id: Annotated[str, Field(pattern=r"^[a-z]+\.[a-z_]+$")]
    label: Phrase
    type: FieldType
    source: Literal["card", "register", "user"]
    required: bool = True
    editable: bool = True
    sensitivity: Annotated[int, Field(ge=1, le=4)] = 3
    mask: Literal["", "id", "phone", "name"] = ""
    options: tuple[OptionDef, ...] = ()
    default: bool | str | tuple[str, ...] | None = None
    when: str = ""
    min: str | int | None = None
    max: str | int | None = None
    max_months: int | None = None

    @model_validator(mode="after")
    def _consistent(self) -> FieldDef:
        if self.type in {FieldType.ENUM, FieldType.MULTI_ENUM} and not self.options:
            raise ValueError(f"{self.id}: a choice needs options")
        known = {option.id for option in self.options}
        chosen = self.default if isinstance(self.default, tuple) else ()
        if unknown := set(chosen) - known:
            raise ValueError(f"{self.id}: default names unknown options {sorted(unknown)}")
        if self.when:
            try:
                Condition.parse(self.when)
            except RuleError as error:
                raise ValueError(f"{self.id}: when: {error}") from None
        return self


class GuideDef(_Strict):
    """Row 3: what a resident may read before anything is asked."""

    for_whom: Phrase
    papers: Phrase
    fee: Phrase
    time: Phrase
    result: Phrase
    source: Phrase
    notice: Phrase | None = None


class ConsentDef(_Strict):
    """A named use of data the resident is asked about."""

    id: str
    title: Phrase
    paragraphs: Annotated[tuple[Phrase, ...], Field(min_length=1)]


class OutputDef(_Strict):
    """What comes out."""

    doc: str
    paper: Literal["A4", "80mm"]
    pages: str = "1"


class Package(_Strict):
    """One service, whole. Its fields and consents are closed under ``use`` and the dictionary."""

    code: Annotated[str, Field(pattern=ITEM_CODE)]
    version: Annotated[int, Field(ge=1)]
    region: Annotated[str, Field(pattern=r"^\d{6}$")]
    kind: Literal["certificate", "feedback"]
    title: Phrase
    department: Phrase
    icon: str
    keywords: tuple[str, ...] = ()
    identity: Identity
    decision: Decision
    offline: Offline
    needs: tuple[Literal["id_reader", "camera", "document_printer", "receipt_printer"], ...]
    guide: GuideDef
    use: tuple[str, ...]
    consents: tuple[ConsentDef, ...]
    fields: tuple[FieldDef, ...]
    promise: Phrase
    delivery: tuple[Literal["PRINT"], ...]
    outputs: tuple[OutputDef, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Package:
        problems = []
        ids = [field.id for field in self.fields]
        problems += [f"field {name} stands twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
        for at, field in enumerate(self.fields):
            for name in Condition.parse(field.when).names if field.when else ():
                if name not in ids[:at]:
                    problems.append(f"{field.id}: when: {name} is not an earlier field")
        asked = {consent.id for consent in self.consents}
        problems += [
            f"use: {name} has no consent text" for name in self.use if name.startswith("c.") and name not in asked
        ]
        problems += [f"consents: {name} is not in use" for name in sorted(asked - set(self.use))]
        if self.identity is not Identity.NONE and "id_reader" not in self.needs:
            problems.append(f"identity {self.identity} needs id_reader")
        if self.identity is Identity.CARD_FACE and "camera" not in self.needs:
            problems.append("identity card+face needs camera")
        if self.offline is Offline.TAKE_IN and self.decision is Decision.INSTANT:
            problems.append("offline OFF-1 cannot be decided instantly")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class Dictionary(_Strict):
    """Fields more than one service uses."""

    dictionary: tuple[FieldDef, ...]


class Catalogue:
    """All packages of a folder and the field dictionary they share."""

    def __init__(self, packages: tuple[Package, ...], dictionary: tuple[FieldDef, ...]) -> None:
        self.packages = packages
        self._by_code = {package.code: package for package in packages}
        self._dictionary = {field.id: field for field in dictionary}

    def package(self, code: str) -> Package:
        """Return the package ``code``. Raises ``KeyError``."""
        return self._by_code[code]

    def dictionary_field(self, name: str) -> FieldDef:
        """Return a field of the dictionary. Raises ``KeyError``."""
        return self._dictionary[name]


def load(folder: Path) -> tuple[Catalogue, tuple[PackageError, ...]]:
    """Read every package of ``folder``; faulty ones are left out and returned as errors.

    Raises ``PackageError`` when the dictionary itself is missing or faulty: then no package can be understood.
    """
    source = folder / "dictionary.yaml"
    dictionary = _read(source, Dictionary).dictionary
    known = {field.id for field in dictionary}
    packages: list[Package] = []
    refused: list[PackageError] = []
    for path in sorted(folder.glob("*.yaml")):
        if path == source:
            continue
        try:
            package = _read(path, Package)
            problems = [
                f"{path.name}: use: {name} is not in the dictionary" for name in package.use if name not in known
            ]
            if package.code in {other.code for other in packages}:
                problems.append(f"{path.name}: code: {package.code} stands in another file, too")
            if problems:
                raise PackageError(problems)  # noqa: TRY301 - one way out for every kind of problem of a file
            packages.append(package)
        except PackageError as error:
            refused.append(error)
    return Catalogue(tuple(packages), dictionary), tuple(refused)


def _read(path: Path, model: type[Model]) -> Model:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PackageError([f"{path.name}: cannot be read: {error}"]) from None
    try:
        return model.model_validate(data)
    except pydantic.ValidationError as error:
        raise PackageError([_problem(path, item) for item in error.errors()]) from None


def _problem(path: Path, item: object) -> str:
    """Return one problem as file, key, reason."""
    assert isinstance(item, dict)  # noqa: S101 - pydantic's own shape, narrows the type
    key = ".".join(str(part) for part in item["loc"]) or "package"
    return f"{path.name}: {key}: {str(item['msg']).removeprefix('Value error, ')}"
