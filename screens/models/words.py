"""The words of the screen's own controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from kiosk.views import text

if TYPE_CHECKING:
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1

# What the on-screen keyboard and the pads ask for by name.
KEYBOARD_WORDS = (
    "delete",
    "split",
    "capitals",
    "symbols",
    "letters",
    "to_english",
    "to_pinyin",
    "space",
    "new_line",
    "done",
    "earlier",
    "later",
)


@QmlElement
class ControlWords(QObject):
    """Words no view brings along: they belong to a control."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._say: Say | None = None

    def put(self, say: Say) -> None:
        """Speak another language from now on."""
        self._say = say
        self.changed.emit()

    def _word(self, key: str) -> str:
        return self._say(text(f"control.{key}")) if self._say else ""

    @Property(str, notify=changed)
    def up(self) -> str:
        return self._word("up")

    @Property(str, notify=changed)
    def down(self) -> str:
        return self._word("down")

    @Property(str, notify=changed)
    def yes(self) -> str:
        return self._word("yes")

    @Property(str, notify=changed)
    def no(self) -> str:
        return self._word("no")

    @Property(str, notify=changed)
    def search(self) -> str:
        return self._word("search")

    @Property(str, notify=changed)
    def searchHint(self) -> str:
        return self._word("search_hint")

    @Property(str, notify=changed)
    def clear(self) -> str:
        return self._word("clear")

    @Property(str, notify=changed)
    def notHere(self) -> str:
        return self._word("not_here")

    @Property(str, notify=changed)
    def machine(self) -> str:
        return self._word("machine")

    @Property("QVariantMap", notify=changed)
    def keyboard(self) -> dict[str, str]:
        """The on-screen keyboard's words by name."""
        return {name: self._say(text(f"keyboard.{name}")) for name in KEYBOARD_WORDS} if self._say else {}
