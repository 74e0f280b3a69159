"""Pictures of every view: ``python -m screens.gallery --out DIR [--language en] [--size 1080x1920] [--mode elder]``.

``python -m screens.gallery --update-goldens`` draws what the tests compare with, at half size. Everything is drawn off
the screen by the software renderer, hinting off, so that the same scene gives the same pixels.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import shiboken6
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QAccessible, QColor, QFont, QGuiApplication, QImage, QMouseEvent, QPainter
from PySide6.QtQuick import QQuickItem, QQuickView

from kiosk.views import Language, Mode
from screens.fixtures import FIXTURES
from screens.models.screen_model import ScreenModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtGui import QAccessibleInterface

    from kiosk.intents import Intent
    from screens.fixtures import Fixture

QML = Path(__file__).parent / "qml"
FAMILY = "Noto Sans CJK SC"
PORTRAIT, LANDSCAPE = QSize(1080, 1920), QSize(1920, 1080)
GOLDENS = Path(__file__).parent.parent / "tests" / "goldens"
# Half size: everything scales with the window, and the repository stays small.
GOLDEN_SETS = {
    "zh_CN-upright": (Language.ZH_CN, PORTRAIT / 2),
    "en-upright": (Language.EN, PORTRAIT / 2),
    "zh_CN-lying": (Language.ZH_CN, LANDSCAPE / 2),
}
COLOURS_OF_A_PALETTE = 256
SETTLE_ROUNDS = 8  # the layout settles in two or three

NAME = QAccessible.Text.Name
TOUCHABLE = frozenset(
    {QAccessible.Role.Button, QAccessible.Role.RadioButton, QAccessible.Role.CheckBox, QAccessible.Role.EditableText}
)

OFFSCREEN = {
    "QT_QPA_PLATFORM": "offscreen",
    "QT_QUICK_BACKEND": "software",
    "QT_SCALE_FACTOR": "1",
    "QT_ACCESSIBILITY": "1",
}


@dataclass(frozen=True, slots=True)
class Portrait:
    """A drawn person before the camera; nobody's face."""

    width: int
    height: int
    rgb: bytes


def portrait(width: int = 640, height: int = 480) -> Portrait:
    """Draw head and shoulders before a plain wall."""
    image = QImage(width, height, QImage.Format.Format_RGB888)
    image.fill(QColor("#CFD3CE"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    middle = width / 2
    for colour, x, y, w, h in (
        ("#47576A", middle - 190, 340, 380, 330),
        ("#C9A183", middle - 42, 280, 84, 110),
        ("#2B2622", middle - 112, 62, 224, 250),
        ("#DDB697", middle - 96, 96, 192, 236),
        ("#3A322C", middle - 54, 196, 22, 12),
        ("#3A322C", middle + 32, 196, 22, 12),
        ("#B07F66", middle - 30, 276, 60, 12),
    ):
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QPointF(x + w / 2, y + h / 2), w / 2, h / 2)
    painter.end()
    line = width * 3
    rows = bytes(image.constBits())
    return Portrait(width, height, b"".join(rows[y * image.bytesPerLine() :][:line] for y in range(height)))


def application() -> QGuiApplication:
    """Return the application, drawing off the screen and the same everywhere."""
    found = QCoreApplication.instance()
    if not isinstance(found, QGuiApplication):
        os.environ.update(OFFSCREEN)
        found = QGuiApplication([sys.argv[0]])
    font = QFont(FAMILY)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    found.setFont(font)
    QAccessible.setActive(True)
    return found


class Gallery:
    """A screen without a terminal behind it; ``sent`` keeps what it would have sent."""

    def __init__(self) -> None:
        self._app = application()
        self.sent: list[Intent] = []
        self.model = ScreenModel(self.sent.append, self._app)
        self.window = QQuickView()
        self.window.engine().addImportPath(str(QML))
        self.window.engine().addImageProvider("cam", self.model.frames.provider())
        self.window.setResizeMode(QQuickView.ResizeMode.SizeRootObjectToView)
        self.window.setInitialProperties({"screen": self.model, "motion": False})
        self.window.setSource(QUrl.fromLocalFile(str(QML / "Tongban" / "TerminalScreen.qml")))
        self.turn = 0

    def show(self, fixture: Fixture, language: Language, size: QSize, mode: Mode | None = None) -> None:
        """Show a fixture as a fresh question and wait until it stands still."""
        self.turn += 1
        self.window.resize(size)
        self.window.show()
        self.model.frames.put(portrait())
        self.model.show(fixture.scene(language, self.turn, mode))
        self.settle()
        for name in fixture.touched(language):
            self.tap(name)
            self.settle()

    def picture(self, fixture: Fixture, language: Language, size: QSize, mode: Mode | None = None) -> QImage:
        """Return the picture of a fixture."""
        self.show(fixture, language, size, mode)
        return self.settle()

    def settle(self) -> QImage:
        """Draw until two pictures are equal and return the last."""
        before = QImage()
        for _ in range(SETTLE_ROUNDS):
            self._app.processEvents()
            now = self.window.grabWindow().convertToFormat(QImage.Format.Format_RGB32)
            if now == before:
                return now
            before = now
        raise RuntimeError("the picture does not come to rest")

    def tap(self, name: str) -> None:
        """Touch the middle of the control with this accessible name. Raises ``LookupError`` when there is none."""
        item = next(
            (item for found, item in self.named() if found.role() in TOUCHABLE and found.text(NAME) == name), None
        )
        if item is None:
            raise LookupError(f"no control called {name!r}")
        at = item.mapToScene(QPointF(item.width() / 2, item.height() / 2))
        for kind, held in (
            (QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton),
            (QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton),
        ):
            event = QMouseEvent(kind, at, at, Qt.MouseButton.LeftButton, held, Qt.KeyboardModifier.NoModifier)
            QCoreApplication.sendEvent(self.window, event)

    def named(self) -> Iterator[tuple[QAccessibleInterface, QQuickItem]]:
        """Walk the accessibility tree: everything that is shown and has an item."""
        waiting = [QAccessible.queryAccessibleInterface(self.window)]
        while waiting:
            one = waiting.pop(0)
            if one is None or one.state().invisible:
                continue
            item = one.object()
            if isinstance(item, QQuickItem):
                yield one, item
            waiting.extend(one.child(index) for index in range(one.childCount()))

    def items(self, root: QQuickItem | None = None) -> Iterator[QQuickItem]:
        """Walk the items that are shown, outer ones first."""
        root = root or self.window.rootObject()
        if root.isVisible() and root.opacity() > 0:
            yield root
            for child in root.childItems():
                yield from self.items(child)

    def close(self) -> None:
        """Delete the engine, then the models."""
        self.window.close()
        shiboken6.delete(self.window)
        shiboken6.delete(self.model)


def save(picture: QImage, path: Path) -> None:
    """Write a PNG as small as it gets without changing a pixel."""
    plain = picture.convertToFormat(QImage.Format.Format_RGBX8888)  # kept: its bits do not keep it
    image = Image.frombytes("RGB", (plain.width(), plain.height()), bytes(plain.constBits()), "raw", "RGBX")
    colours = image.getcolors(COLOURS_OF_A_PALETTE)
    if colours:
        image = image.quantize(colors=len(colours), dither=Image.Dither.NONE)
    image.save(path, optimize=True)


def update_goldens() -> None:
    """Draw all goldens anew; those of fixtures that are gone go too."""
    gallery = Gallery()
    for name, (language, size) in GOLDEN_SETS.items():
        folder = GOLDENS / name
        folder.mkdir(parents=True, exist_ok=True)
        for gone in {path.stem for path in folder.glob("*.png")} - FIXTURES.keys():
            (folder / f"{gone}.png").unlink()
        for fixture in FIXTURES.values():
            save(gallery.picture(fixture, language, size), folder / f"{fixture.name}.png")
    gallery.close()


def size_of(words: str) -> QSize:
    """Read a size such as ``1080x1920``."""
    width, height = words.split("x")
    return QSize(int(width), int(height))


def main(arguments: list[str] | None = None) -> int:
    """Draw the gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    parser.add_argument("--update-goldens", action="store_true")
    parser.add_argument("--language", type=Language, default=Language.ZH_CN)
    parser.add_argument("--size", type=size_of, default=PORTRAIT)
    parser.add_argument("--mode", type=Mode, default=None, help="instead of each fixture's own")
    parser.add_argument("--only", nargs="*", default=list(FIXTURES), metavar="NAME")
    wanted = parser.parse_args(arguments)
    if wanted.update_goldens:
        update_goldens()
        return 0
    if wanted.out is None:
        parser.error("--out or --update-goldens")
    wanted.out.mkdir(parents=True, exist_ok=True)
    gallery = Gallery()
    for name in wanted.only:
        save(gallery.picture(FIXTURES[name], wanted.language, wanted.size, wanted.mode), wanted.out / f"{name}.png")
    gallery.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
