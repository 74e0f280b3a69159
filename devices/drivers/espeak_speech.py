"""Driver: eSpeak NG makes the sound, a player program brings it to the sound card.

Text goes to the synthesiser through its standard input, sound stays in memory and goes to the player the same way:
nothing that is said stands on a command line, in a file or in a log. Silence is a kill: neither program has anything
to lose, and the kernel lets go of the card in the same moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import shutil
import wave
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devices.device import DeviceInfo
from devices.drivers.espeak_text import spoken
from devices.drivers.espeak_turn import Turn
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import READY, Health
from devices.speech import Saying, Speech, SpeechLanguage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.drivers.espeak_turn import Ended

SYNTHESISER: Final = "espeak-ng"
APLAY: Final = "aplay"
NO_PLAYER: Final = "none"
SYNTHESIS_LIMIT_S: Final = 10.0  # a page of text takes a quarter of a second
PLAYER_GRACE_S: Final = 5.0  # beyond the length of the sound: a card that wakes up, a buffer that drains
QUIET_LIMIT_S: Final = 2.0  # a killed program is gone in milliseconds; a kernel that keeps it longer is ill
VOLUME_MAX: Final = 200  # amplitude of the synthesiser; 100 is its own choice
RATES: Final = range(80, 451)  # words a minute the synthesiser can do
DETAIL_CHARS: Final = 160

_SILENCE_FRAMES: Final = 220  # a hundredth of a second: enough to find out whether the card opens
_RATE_HZ: Final = 22050  # of every voice of the synthesiser
_TRIED: Final = b"yin2 hang2"
_RISING: Final = b"35"  # how the synthesiser writes the second tone
_HEADER: Final = 44  # bytes of a WAV header without extras
_CARDS: Final = Path("/dev/snd")
# ALSA names that end at a card of this machine; others (null, pulse, names of asound.conf) say how they are when used.
_NEEDS_CARD: Final = ("default", "sysdefault", "hw", "plughw", "dmix", "front")


class EspeakSpeech(Speech):
    """A voice of the machine's own, offline.

    ``player`` is ``aplay``, the path of a program that takes WAV on standard input, or ``none``: nothing is played and
    a saying lasts as long as it would. ``device`` is the ALSA name for ``aplay`` (``aplay -L`` lists them). ``rate``
    in words a minute, volumes 0 to 200. In the ``quiet_hours`` ("22:00-07:00", local time; empty: none)
    ``quiet_volume`` holds. Raises ``ValueError`` for values out of range.
    """

    def __init__(
        self,
        name: str,
        device: str = "default",
        player: str = APLAY,
        *,
        rate: int = 160,
        volume: int = 100,
        quiet_hours: str = "",
        quiet_volume: int = 50,
        mandarin: str = "cmn-latn-pinyin",
        english: str = "en-gb",
    ) -> None:
        if rate not in RATES:
            raise ValueError(f"{name}: rate is {rate}; it has to be {RATES.start} to {RATES.stop - 1} words a minute")
        if not (0 <= volume <= VOLUME_MAX and 0 <= quiet_volume <= VOLUME_MAX):
            raise ValueError(f"{name}: a volume has to be 0 to {VOLUME_MAX}")
        self._name = name
        self._device = device
        self._player = player
        self._rate = rate
        self._volumes = (volume, quiet_volume)
        self._quiet = _hours(name, quiet_hours)
        self._voices = {SpeechLanguage.MANDARIN: mandarin, SpeechLanguage.ENGLISH: english}
        self._opened = False
        self._model = ""
        self._owner = ""
        self._turns: list[Turn] = []  # the first one speaks, the others wait

    async def open(self) -> None:
        """Make sure that both programs, both voices and the sound card are there. Raises ``DeviceUnavailable``."""
        if self._opened:
            return
        self._demand_parts()
        turn = Turn()
        try:
            for language, voice in self._voices.items():
                await self._try_voice(turn, language, voice)
            version = await self._run(turn, [SYNTHESISER, "--version"], b"", SYNTHESIS_LIMIT_S)
            await self._play(turn, bytes(2 * _SILENCE_FRAMES))
        finally:
            turn.ended.set()
        self._model = version.out.decode(errors="replace").partition("Data at")[0].strip()
        self._opened = True

    async def close(self) -> None:
        """Fall silent."""
        self._opened = False
        await self.silence()

    async def probe(self) -> Health:
        """Look whether programs and card are still there; nothing can be heard. Raises ``DeviceUnavailable``."""
        self._demand_open()
        self._demand_parts()
        return READY

    def info(self) -> DeviceInfo:
        """Return the name plate; the address is the card's."""
        address = self._device if self._player == APLAY else self._player
        return DeviceInfo(driver="espeak", address=address, model=self._model)

    async def say(self, saying: Saying) -> bool:
        """Speak when it is its turn. See the port."""
        self._demand_open()
        if saying.owner != self._owner:
            self._hush()
            self._owner = saying.owner
        turn, before = Turn(), tuple(self._turns)
        self._turns.append(turn)
        try:
            for earlier in before:
                await earlier.ended.wait()
            return await self._speak(turn, saying)
        finally:
            turn.ended.set()
            self._turns.remove(turn)

    async def silence(self) -> None:
        """Kill what sounds and wait until it is gone. Never raises."""
        turns = tuple(self._turns)
        self._hush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_LIMIT_S):
                for turn in turns:
                    await turn.ended.wait()

    def _hush(self) -> None:
        for turn in self._turns:
            turn.silence()

    async def _speak(self, turn: Turn, saying: Saying) -> bool:
        """Return whether it was said to its end."""
        if turn.silenced():
            return False
        try:
            sound = await self._synthesise(turn, saying)
            if sound and not turn.silenced():
                await self._play(turn, sound)
        except DeviceError:
            if turn.silenced():  # its program was killed: that is no fault
                return False
            raise
        return not turn.silenced()

    async def _try_voice(self, turn: Turn, language: SpeechLanguage, voice: str) -> None:
        """Insist on the voice: a name half right is taken for the language's first voice, which may read English."""
        ended = await self._run(turn, [SYNTHESISER, "-q", "-x", "-v", voice, "--stdin"], _TRIED, SYNTHESIS_LIMIT_S)
        if ended.code or (language is SpeechLanguage.MANDARIN and _RISING not in ended.out):
            raise self._gone(f"voice {voice} is missing or reads no pinyin: install {SYNTHESISER} with its voices")

    async def _synthesise(self, turn: Turn, saying: Saying) -> bytes:
        """Return the samples: 16 bits, one channel, ``_RATE_HZ``."""
        text = spoken(saying.text, saying.language)
        command = [SYNTHESISER, "--stdin", "--stdout", "-v", self._voices[saying.language]]
        command += ["-s", str(self._rate), "-a", str(self._volume())]
        ended = await self._run(turn, command, text.encode(), SYNTHESIS_LIMIT_S)
        if ended.code:  # its words might repeat the text: only the number is told
            raise DeviceFault(f"{SYNTHESISER} ended with {ended.code}", device=self._name)
        return ended.out[_HEADER:]

    async def _play(self, turn: Turn, sound: bytes) -> None:
        lasts_s = len(sound) / 2 / _RATE_HZ
        if self._player == NO_PLAYER:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lasts_s):
                    await turn.stopped.wait()
            return
        command = [APLAY, "-q", "-D", self._device] if self._player == APLAY else [self._player]
        ended = await self._run(turn, command, _wav(sound), lasts_s + PLAYER_GRACE_S)
        if ended.code:
            raise self._refusal(ended)

    async def _run(self, turn: Turn, command: Sequence[str], fed: bytes, limit_s: float) -> Ended:
        try:
            return await turn.run(command, fed, limit_s)
        except DeviceError as error:
            error.device = self._name
            raise

    def _refusal(self, ended: Ended) -> DeviceError:
        """Tell an absent or taken card from a player that broke. A player knows no text: its words may be told."""
        words = (ended.err.decode(errors="replace").strip().splitlines() or [""])[-1][:DETAIL_CHARS]
        if "busy" in words:
            remedy = "another program holds it"
            return DeviceUnavailable(f"{self._device}: {remedy}: {words}", code=DeviceCode.BUSY, device=self._name)
        if "open error" in words or "No such device" in words:
            return self._gone(f"{self._device} does not open ({words}): plug the card in, or choose from aplay -L")
        return DeviceFault(f"player ended with {ended.code}: {words}", device=self._name)

    def _volume(self) -> int:
        by_day, by_night = self._volumes
        begin, end = self._quiet
        now = _minute_of_the_day()
        inside = begin <= now < end if begin <= end else now >= begin or now < end
        return by_night if inside else by_day

    def _demand_open(self) -> None:
        if not self._opened:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)

    def _demand_parts(self) -> None:
        if shutil.which(SYNTHESISER) is None:
            raise self._gone(f"{SYNTHESISER} is not installed: apt-get install {SYNTHESISER}")
        if self._player == NO_PLAYER:
            return
        if shutil.which(self._player) is None:
            package = "alsa-utils" if self._player == APLAY else "the program"
            raise self._gone(f"the player {self._player} is not there: install {package}")
        if self._player == APLAY and self._device.partition(":")[0] in _NEEDS_CARD and not any(_CARDS.glob("pcm*p")):
            raise self._gone("no sound card: plug one in, or set player to none")

    def _gone(self, detail: str) -> DeviceUnavailable:
        return DeviceUnavailable(detail, device=self._name)


def _wav(sound: bytes) -> bytes:
    """Return the samples with a header that knows their length; the synthesiser's does not."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(sound)
    return out.getvalue()


def _hours(name: str, text: str) -> tuple[int, int]:
    """Return begin and end in minutes of the day; both 0 for no hours."""
    if not text:
        return 0, 0
    try:
        begin, end = (datetime.strptime(part, "%H:%M") for part in text.split("-"))  # noqa: DTZ007 - hours of any day
    except ValueError:
        raise ValueError(f'{name}: quiet_hours is {text!r}; it has to look like "22:00-07:00"') from None
    return begin.hour * 60 + begin.minute, end.hour * 60 + end.minute


def _minute_of_the_day() -> int:
    """Return the local minute of the day: quiet hours are the neighbours'."""
    now = datetime.now().astimezone()
    return now.hour * 60 + now.minute
