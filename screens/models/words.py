"""The words of the screen's own controls."""

from __future__ import annotations

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from kiosk.texts import catalogue, resolve
from kiosk.views import Language, text

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1

KEYBOARD_PREFIX = "keyboard."  # the on-screen keyboard and the pads ask by short name


@QmlElement
class ControlWords(QObject):
    """Words no view brings along: they belong to a control."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._language = Language.ZH_CN

    def put(self, language: Language) -> None:
        """Speak ``language`` from now on."""
        if language is not self._language:
            self._language = language
            self.changed.emit()

    def _word(self, key: str) -> str:
        return resolve(text(f"control.{key}"), self._language)

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
    def machine(self) -> str:
        return self._word("machine")

    @Property("QVariantMap", notify=changed)  # type: ignore[arg-type]  # Qt's own name of the type
    def keyboard(self) -> dict[str, str]:
        """The on-screen keyboard's and the pads' words by short name."""
        texts = catalogue(self._language)
        return {key.removeprefix(KEYBOARD_PREFIX): texts[key] for key in texts if key.startswith(KEYBOARD_PREFIX)}
