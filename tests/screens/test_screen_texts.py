"""Every word of the screen's own exists in every language, and none is left over; every text gets what it asks for."""

from __future__ import annotations

import ast
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


def test_whoever_names_a_text_fills_all_its_places() -> None:
    catalogues = [catalogue(language) for language in Language]
    calls = [
        (path, one)
        for path in Path("kiosk").rglob("*.py")
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "text" and one.args
    ]
    unfilled = []
    for path, call in calls:
        key, given = call.args[0], {word.arg for word in call.keywords}
        if (
            not isinstance(key, ast.Constant) or not isinstance(key.value, str) or None in given
        ):  # put together, or filled from a map: not seen from here
            continue
        for words in catalogues:
            wanted = {name for _, name, _, _ in string.Formatter().parse(words[key.value]) if name}
            unfilled += [f"{path}:{call.lineno} {key.value} {name}" for name in sorted(wanted - given)]
    assert len(calls) > 100
    assert unfilled == []
