"""Port: a voice."""

from __future__ import annotations

import enum
from abc import abstractmethod
from dataclasses import dataclass, field

from devices.device import Device


class SpeechLanguage(enum.StrEnum):
    """What is spoken (BCP 47)."""

    MANDARIN = "zh-CN"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Saying:
    """One sentence or a few. ``text`` may hold personal data: it goes to no log and on no command line."""

    text: str = field(repr=False)
    language: SpeechLanguage
    owner: str  # who asks: a screen's question. What another owner says is about something that is gone.


class Speech(Device):
    """Sayings of one owner are spoken one after another; a new owner silences the one before at once."""

    @abstractmethod
    async def say(self, saying: Saying) -> bool:
        """Speak after all earlier sayings of the same owner; return True when it was spoken to its end.

        False: it was silenced. Cancelling silences this saying. Raises ``DeviceUnavailable``, ``DeviceFault``.
        """

    @abstractmethod
    async def silence(self) -> None:
        """Stop in the middle of a word and forget everything that waits; returns when it is quiet. Never raises."""
