"""The voice: real eSpeak NG, its sound taken by a program that plays in real time, and by the real aplay."""

from __future__ import annotations

import array
import os
import signal
import sys
import wave
from typing import TYPE_CHECKING

import pytest

from devices.drivers import espeak_speech
from devices.drivers.espeak_speech import EspeakSpeech
from devices.errors import DeviceCode, DeviceFault, DeviceTimeout, DeviceUnavailable
from devices.speech import SpeechLanguage
from devices.testing.device import error_of, opened, running, until
from devices.testing.speech import LONG, SHORT, SpeechContract, children, saying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A sound card and the program before it: takes WAV, and as much time as it lasts. What it has played lies in a file.
PLAYER = """#!{python} -SE
import os, signal, struct, sys, time
folder = {folder!r}
if os.path.exists(folder + "/mute"):
    signal.pause()
header = sys.stdin.buffer.read(44)
rate, size = struct.unpack("<I", header[24:28])[0], struct.unpack("<I", header[40:44])[0]
assert header[:4] == b"RIFF" and header[36:40] == b"data"
sound = sys.stdin.buffer.read()
assert len(sound) == size
if size > 1000:
    open(folder + "/playing", "w").write(str(os.getpid()))
began, at = time.monotonic(), 0
with open(folder + "/heard", "ab", 0) as heard:
    while at < size:
        upto = min(size, int((time.monotonic() - began) * rate) * 2)
        heard.write(sound[at:upto])
        at = upto
        time.sleep(0.01)
if size > 1000:
    os.unlink(folder + "/playing")
"""
BYTES_A_SECOND = 2 * 22050


class PacedCard:
    """The contract's hands on a sound card that plays in real time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.player = folder / "player"
        self.away = folder / "player.away"
        self.player.write_text(PLAYER.format(python=sys.executable, folder=str(folder)), encoding="utf-8")
        self.player.chmod(0o755)

    async def unplug(self) -> None:
        self.player.rename(self.away)
        for pid, line in children().items():
            if str(self.player) in line:
                os.kill(pid, signal.SIGKILL)

    async def plug(self) -> None:
        self.away.rename(self.player)

    async def mute(self) -> None:
        (self.folder / "mute").touch()

    async def unmute(self) -> None:
        (self.folder / "mute").unlink()

    def _playing(self) -> int:
        try:
            return int((self.folder / "playing").read_text() or 0)
        except FileNotFoundError:
            return 0

    def sounding(self) -> bool:
        pid = self._playing()
        return pid in children()

    def heard(self) -> bytes:
        file = self.folder / "heard"
        return file.read_bytes() if file.exists() else b""

    def heard_s(self) -> float:
        return len(self.heard()) / BYTES_A_SECOND

    async def crash(self) -> None:
        os.kill(self._playing(), signal.SIGKILL)


@pytest.fixture
def hands(tmp_path: Path) -> PacedCard:
    return PacedCard(tmp_path)


@pytest.fixture
def device(hands: PacedCard) -> Iterator[EspeakSpeech]:
    others = children().keys()  # what other tests of this run keep running
    yield EspeakSpeech("speech", player=str(hands.player), rate=300)
    assert not children().keys() - others


class TestEspeakSpeech(SpeechContract):
    """Against the contract of a voice."""


def loudness(sound: bytes) -> float:
    samples = array.array("h", sound[: len(sound) // 2 * 2])
    return sum(abs(sample) for sample in samples) / max(1, len(samples))


@pytest.mark.parametrize(
    ("text", "language"),
    [("请将身份证放在读卡区", SpeechLanguage.MANDARIN), ("Please lay your card here", SpeechLanguage.ENGLISH)],
)
async def test_real_voice_makes_a_sound_of_plausible_length_through_the_real_player(
    tmp_path: Path, text: str, language: SpeechLanguage
) -> None:
    heard = tmp_path / "heard.wav"
    device = EspeakSpeech("speech", device=f"file:FILE={heard},FORMAT=wav")
    async with opened(device):
        assert await device.say(saying(text, language=language))
    with wave.open(str(heard)) as file:
        lasts_s = file.getnframes() / file.getframerate()
        sound = file.readframes(file.getnframes())
    assert 1 < lasts_s < 5
    assert loudness(sound) > 500


async def test_volume_and_rate_are_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sound(minute: int, **options: int) -> bytes:
        monkeypatch.setattr(espeak_speech, "_minute_of_the_day", lambda: minute)
        hands = PacedCard(tmp_path)
        (tmp_path / "heard").unlink(missing_ok=True)
        player = str(hands.player)
        device = EspeakSpeech("speech", player=player, quiet_hours="22:00-07:00", quiet_volume=30, **options)
        async with opened(device):
            await device.say(saying(SHORT))
        return hands.heard()

    day, quick = await sound(12 * 60, rate=200), await sound(12 * 60, rate=400)
    night, morning = await sound(23 * 60, rate=400), await sound(7 * 60, rate=400)
    assert len(quick) < 0.8 * len(day)
    assert loudness(night) < 0.5 * loudness(quick)
    assert loudness(morning) == pytest.approx(loudness(quick), rel=0.01)
    assert len(night) == pytest.approx(len(quick), rel=0.05)


async def test_saying_is_cut_in_the_middle_and_not_played_to_its_end(device: EspeakSpeech, hands: PacedCard) -> None:
    async with opened(device), running(lambda: device.say(saying(LONG))) as said:
        await until(lambda: hands.heard_s() > 0.5)
        await device.silence()
        heard = hands.heard_s()
        assert not await said
    assert hands.heard_s() == heard < 3


async def test_machine_without_a_sound_card_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeak_speech, "_CARDS", tmp_path)
    for device in ("default", "hw:7", "plughw:CARD=USB"):
        error = await error_of(EspeakSpeech("speech", device=device).open)
        assert isinstance(error, DeviceUnavailable)
        assert error.code is DeviceCode.ABSENT
        assert "plug one in" in error.detail


async def test_card_that_is_not_there_is_told_by_the_player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pcmC9D0p").touch()  # another card's
    monkeypatch.setattr(espeak_speech, "_CARDS", tmp_path)
    error = await error_of(EspeakSpeech("speech", device="hw:7").open)
    assert isinstance(error, DeviceUnavailable)
    assert "aplay -L" in error.detail
    assert error.device == "speech"


async def test_card_in_use_is_busy_not_broken(hands: PacedCard) -> None:
    hands.player.write_text(
        "#!/bin/sh\necho 'aplay: main:831: audio open error: Device or resource busy' >&2\nexit 1\n"
    )
    error = await error_of(EspeakSpeech("speech", player=str(hands.player)).open)
    assert error.code is DeviceCode.BUSY


async def test_missing_synthesiser_is_told_with_the_remedy(hands: PacedCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_speech, "SYNTHESISER", "no-such-synthesiser")
    error = await error_of(EspeakSpeech("speech", player=str(hands.player)).open)
    assert isinstance(error, DeviceUnavailable)
    assert "apt-get install" in error.detail


@pytest.mark.parametrize("voice", ["nowhere", "cmn", "zh", "en-gb"])
async def test_voice_that_is_missing_or_reads_pinyin_as_english_is_told_before_anybody_listens(
    hands: PacedCard, voice: str
) -> None:
    error = await error_of(EspeakSpeech("speech", player=str(hands.player), mandarin=voice).open)
    assert isinstance(error, DeviceUnavailable)
    assert voice in error.detail


async def test_player_that_hangs_is_killed_and_told(
    device: EspeakSpeech, hands: PacedCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeak_speech, "PLAYER_GRACE_S", 0.3)
    others = children().keys()
    async with opened(device):
        await hands.mute()
        assert isinstance(await error_of(lambda: device.say(saying(SHORT))), DeviceTimeout)
        assert not children().keys() - others
        await hands.unmute()
        assert await device.say(saying(SHORT))


async def test_player_that_fails_is_a_fault_with_its_last_words(device: EspeakSpeech, hands: PacedCard) -> None:
    async with opened(device):
        hands.player.write_text("#!/bin/sh\ncat >/dev/null\necho 'underrun beyond repair' >&2\nexit 3\n")
        error = await error_of(lambda: device.say(saying(SHORT)))
    assert isinstance(error, DeviceFault)
    assert "underrun beyond repair" in error.detail


async def test_without_a_player_a_saying_lasts_as_long_as_it_would_and_can_be_silenced() -> None:
    device = EspeakSpeech("speech", player="none", rate=300)
    others = children().keys()
    async with opened(device):
        assert await device.say(saying(SHORT))
        async with running(lambda: device.say(saying(LONG))) as said:
            await until(lambda: bool(children().keys() - others))  # the synthesiser
            await until(lambda: not children().keys() - others)
            assert not said.done()
            await device.silence()
            assert not await said


async def test_saying_of_nothing_ends_at_once(device: EspeakSpeech, hands: PacedCard) -> None:
    async with opened(device):
        before = hands.heard_s()
        assert await device.say(saying(""))
        assert hands.heard_s() - before < 1


@pytest.mark.parametrize(
    "options",
    [{"rate": 5000}, {"volume": 500}, {"quiet_volume": -1}, {"quiet_hours": "late"}, {"quiet_hours": "25:00-7:00"}],
)
def test_settings_out_of_range_are_refused_with_the_name_of_the_device(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="speech: "):
        EspeakSpeech("speech", **options)  # type: ignore[arg-type]
