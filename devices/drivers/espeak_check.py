"""Words of Chinese texts that two sources read in two ways, and no table decides.

    python -m devices.drivers.espeak_check kiosk/texts/zh_CN/*.toml

Each run of hanzi is read twice: as the voice itself reads hanzi, and as the driver makes it read them (pypinyin and
``espeak_readings.toml``). Where the two differ by more than a lightened tone, one is wrong, and a person has to say
which: the word belongs into the table. Exit code 1 when there are such words.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from devices.drivers.espeak_text import readings, spoken
from devices.speech import SpeechLanguage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VOICE: Final = "cmn-latn-pinyin"
AROUND: Final = 3  # characters shown on both sides
_HANZI: Final = re.compile(r"[\u3400-\u9fff]+")
_TONES: Final = re.compile(r"\d+")
_LIGHT: Final = {"11", "22", "33", "44"}
_THIRD: Final = {"21", "214", "35"}
_SANDHI: Final = frozenset("不一")  # the driver's own rule; the voice has none
_LIMIT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """One character read in two ways: where, what the driver says, what the voice itself would say."""

    where: str
    driver: str
    voice: str

    def __str__(self) -> str:
        return f"{self.where}  {self.driver} (the voice: {self.voice})"


def differences(texts: Iterable[str]) -> list[Difference]:
    """Return what no table decides, each once, in the order of the texts. Needs ``espeak-ng``."""
    runs = list(dict.fromkeys(run for text in texts for run in _HANZI.findall(text)))
    told = [spoken(run, SpeechLanguage.MANDARIN) for run in runs]
    found: dict[Difference, None] = {}
    for run, pinyin, mine, own in zip(runs, told, phonemes(told), phonemes(runs), strict=True):
        found.update(dict.fromkeys(_compare(run, pinyin.split(), mine, own)))
    return list(found)


def _compare(run: str, pinyin: Sequence[str], mine: Sequence[str], own: Sequence[str]) -> Iterator[Difference]:
    decided = {at for word in readings() for found in re.finditer(re.escape(word), run) for at in range(*found.span())}
    if len(own) != len(run):  # the voice's own dictionary says some words twice
        if len(decided) < len(run):
            yield Difference(run, " ".join(pinyin), " ".join(own))
        return
    for at, (said, other) in enumerate(zip(mine, own, strict=True)):
        if at not in decided and run[at] not in _SANDHI and not _same(said, other, pinyin[at]):
            where = f"{run[max(0, at - AROUND) : at]}[{run[at]}]{run[at + 1 : at + 1 + AROUND]}"
            yield Difference(where, pinyin[at], other)


def _same(one: str, other: str, pinyin: str) -> bool:
    """Tell whether two syllables are equal, or equal but for a tone that is lightened, or a third that is bent."""
    tones = {*_TONES.findall(one), *_TONES.findall(other)}
    near = bool(tones & _LIGHT) or (pinyin.endswith("3") and tones <= _THIRD)
    return one == other or (near and _TONES.sub("", one) == _TONES.sub("", other))


def phonemes(lines: Sequence[str]) -> list[list[str]]:
    """Return the voice's syllables of each line; no line may be empty."""
    command = ["espeak-ng", "-q", "-x", "-v", VOICE, "--stdin"]
    # A full stop and an empty line: else the last syllable of a line sounds as if the next belonged to it.
    asked = "".join(f"{line}。\n\n" for line in lines)
    said = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, timeout=_LIMIT_S).stdout
    answers = [re.sub(r"[',!]|_:", "", line) for line in said.splitlines() if line.strip()]
    return [[part.strip() for part in answer.split("_|") if part.strip()] for answer in answers]


def texts_of(file: Path) -> list[str]:
    """Return every text in a file of texts (TOML) or a service package (YAML)."""
    content = file.read_text(encoding="utf-8")
    return list(_texts(tomllib.loads(content) if file.suffix == ".toml" else yaml.safe_load(content)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


if __name__ == "__main__":
    missing = differences(text for name in sys.argv[1:] for text in texts_of(Path(name)))
    sys.stdout.write("".join(f"{difference}\n" for difference in missing))
    sys.exit(1 if missing else 0)
