"""Finding a service by word, by pinyin or by pinyin initials, without a network."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pypinyin import Style, lazy_pinyin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kiosk.catalogue.model import Package


@lru_cache(maxsize=4096)
def _keys(phrase: str) -> tuple[str, str, str]:
    """Return the phrase in lower case, its pinyin and its pinyin initials."""
    syllables = lazy_pinyin(phrase)
    initials = lazy_pinyin(phrase, style=Style.FIRST_LETTER)
    return phrase.casefold(), "".join(syllables).casefold(), "".join(initials).casefold()


def find(packages: Sequence[Package], query: str) -> tuple[Package, ...]:
    """Return the packages that fit ``query``, best first; all of them for an empty query."""
    wanted = query.strip().casefold().replace(" ", "")
    if not wanted:
        return tuple(packages)
    ranked = [
        (rank, at, package) for at, package in enumerate(packages) if (rank := _rank(package, wanted)) is not None
    ]
    return tuple(package for _, _, package in sorted(ranked, key=lambda entry: entry[:2]))


def _rank(package: Package, wanted: str) -> int | None:
    """Return 0 for a hit in the title's beginning, 1 in the title, 2 in a keyword; ``None`` for no hit."""
    titles = [_keys(package.title.zh_CN), _keys(package.title.en)]
    if any(key.replace(" ", "").startswith(wanted) for keys in titles for key in keys):
        return 0
    if any(wanted in key.replace(" ", "") for keys in titles for key in keys):
        return 1
    if any(wanted in key for word in package.keywords for key in _keys(word)):
        return 2
    return None
