"""Every word of the screen's own exists in every language, and none is left over."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

from kiosk.texts import FOLDER, catalogue
from kiosk.views import Colour, Language, StageState, Tone

MODELS = Path("screens") / "models"
FAMILIES = {
    "stage.{}": [state.value for state in StageState],
    "colour.{}": [colour.value for colour in Colour],
    "tone.{}": [tone.value for tone in Tone],
    "language.{}": [language.value for language in Language],
    "control.{}": re.findall(r'_word\("(\w+)"\)', (MODELS / "words.py").read_text(encoding="utf-8")),
}
CODE = "\n".join(path.read_text(encoding="utf-8") for path in MODELS.glob("*.py"))
PLAIN_KEYS = {key for key in re.findall(r'"([a-z_]+\.[a-z_]+)"', CODE) if "{" not in key}
USED = PLAIN_KEYS | {pattern.format(name) for pattern, names in FAMILIES.items() for name in names}


def own(language: Language) -> set[str]:
    """Return the keys of the screen's own file."""
    tables = tomllib.loads((FOLDER / language.value / "screen.toml").read_text(encoding="utf-8"))
    return {f"{table}.{key}" for table, entries in tables.items() for key in entries}


@pytest.mark.parametrize("language", Language)
def test_every_key_used_is_there(language: Language) -> None:
    assert USED - catalogue(language).keys() == set()


@pytest.mark.parametrize("language", Language)
def test_every_key_there_is_used(language: Language) -> None:
    assert own(language) - USED == set()


def test_both_languages_fill_the_same_places() -> None:
    def places(words: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(words) if name}

    chinese, english = catalogue(Language.ZH_CN), catalogue(Language.EN)
    both = chinese.keys() & english.keys()
    assert {key for key in both if places(chinese[key]) != places(english[key])} == set()
