"""Service packages as central needs them: the terminal's data files, most of which is the terminal's business."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOGUE: Final = Path(__file__).resolve().parent.parent / "config" / "catalogue"
DATA_CONSENT: Final = "c.data"  # dictionary field: the resident agrees that registers are asked
REGISTER_FIELDS: Final = frozenset({"register", "host"})  # sources of a field that are ours to fill


class Title(BaseModel):
    """A name in the languages of the interface."""

    zh_CN: str  # noqa: N815 - the language code
    en: str


class FieldSource(BaseModel):
    """Where a field's value comes from; the rest of a field is the terminal's business."""

    model_config = ConfigDict(extra="ignore")
    id: str
    source: str = "user"


class Package(BaseModel):
    """One service. More keys than these are welcome."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    code: str
    version: int
    kind: str
    decision: str
    offline: str
    identity: str = "none"
    title: Title
    use: tuple[str, ...] = ()
    fields: tuple[FieldSource, ...] = ()
    raw: dict[str, Any] = Field(default_factory=dict, repr=False)

    @property
    def asks_register(self) -> bool:
        """Whether personal data is pulled for this service, which needs the resident's consent."""
        return DATA_CONSENT in self.use


class Packages:
    """All services, by code."""

    def __init__(self, packages: dict[str, Package], shared: dict[str, str]) -> None:
        self._packages = packages
        self._shared = shared

    @classmethod
    def load(cls, folder: Path = CATALOGUE) -> Packages:
        """Read every YAML file that names a code; the field dictionary beside them too.

        Raises ``OSError``, ``yaml.YAMLError`` or ``pydantic.ValidationError``.
        """
        packages: dict[str, Package] = {}
        shared: dict[str, str] = {}
        for path in sorted(folder.glob("*.yaml")):
            content = yaml.safe_load(path.read_text("utf-8"))
            if isinstance(content, dict) and "code" in content:
                package = Package.model_validate({**content, "raw": content})
                packages[package.code] = package
            elif isinstance(content, dict):
                entries = content.get("dictionary", ())
                shared |= {str(entry["id"]): str(entry.get("source", "user")) for entry in entries}
        return cls(packages, shared)

    def __iter__(self) -> Iterator[Package]:
        return iter(self._packages.values())

    def find(self, code: str) -> Package | None:
        """Return a service."""
        return self._packages.get(code)

    def prefilled(self, package: Package) -> frozenset[str]:
        """Return the fields of a service that registers fill: nothing else may leave the register."""
        own = {field.id for field in package.fields if field.source in REGISTER_FIELDS}
        return frozenset(own | {name for name in package.use if self._shared.get(name) in REGISTER_FIELDS})
