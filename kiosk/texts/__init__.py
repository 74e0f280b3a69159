"""The text catalogue: every text a person can read, by key and language (docs/adr/0003).

One folder a language; each ``.toml`` file in it holds tables of texts, nested tables join with dots to keys. Both the
screen and the slips resolve :class:`kiosk.views.Text` here, so paper and glass say the same.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kiosk.views import Language, Text

FOLDER = Path(__file__).parent


class TextsError(ValueError):
    """The catalogue itself is wrong: a key twice, a value that is no text."""


def _flatten(table: Mapping[str, object], prefix: str, source: Path) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.", source)
        elif isinstance(value, str):
            yield f"{prefix}{name}", value
        else:
            raise TextsError(f"{source.name}: {prefix}{name} is {type(value).__name__}, expected a text")


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Return all texts of a language. Raises ``TextsError`` when a key stands twice."""
    found: dict[str, str] = {}
    for source in sorted((FOLDER / language.value).glob("*.toml")):
        for key, value in _flatten(tomllib.loads(source.read_text(encoding="utf-8")), "", source):
            if key in found:
                raise TextsError(f"{language}/{source.name}: key {key} stands twice")
            found[key] = value
    return found


def resolve(text: Text, language: Language) -> str:
    """Return the words of ``text`` in ``language``.

    A missing key comes back as the key itself, so that a slip or a screen is never empty; a test proves that no key a
    view can carry is missing.
    """
    if text.words:
        by_language = dict(text.words)
        return by_language.get(language.value) or by_language.get("*") or next(iter(by_language.values()))
    if not text.key:
        return ""
    pattern = catalogue(language).get(text.key, text.key)
    if not text.args:
        return pattern
    filled = {name: value if isinstance(value, str | int) else resolve(value, language) for name, value in text.args}
    return pattern.format(**filled)
