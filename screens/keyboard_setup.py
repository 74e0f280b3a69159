"""The on-screen keyboard outside QML: environment before Qt starts, wiping after a visit, finding keys for a player.

Qt Virtual Keyboard is set up by environment variables that Qt reads once, when the application object is made. Its
Pinyin engine learns: chosen words go to ``<AppConfigLocation>/qtvirtualkeyboard/pinyin/usr_dict.dat`` and come first
next time, in the same process too. A public machine must not learn names. Two independent locks:

* the panel adds ``Qt.ImhSensitiveData`` to every input, which makes the engine close its user dictionary;
* ``prepare_environment`` points the configuration folder at a file, so that the dictionary cannot be made or opened at
  all; the engine then runs on its read-only system dictionary.

The keyboard must also work on a machine without sound. Qt's plugin for ``QtQuick.VirtualKeyboard.Components`` links
QtMultimedia for key clicks, so it needs the libraries of a sound server and without them takes the whole screen down.
All it registers are QML files that lie beside it; ``prepare_environment`` lists them in a module description that has
no plugin.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLibraryInfo, QMetaObject, QPointF, Qt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtQuick import QQuickItem, QQuickWindow

QML_FOLDER = Path(__file__).parent / "qml"
KEYBOARD_FOLDER = QML_FOLDER / "Tongban" / "keyboard"
STYLE_NAME = "tongban"
NO_CONFIGURATION = "no-configuration"  # an empty file where programs expect their configuration folder

_COMPONENTS = Path("QtQuick", "VirtualKeyboard", "Components")
_QMLDIR_TYPE = re.compile(r"^(?P<name>[A-Z]\w*) \d+\.\d+ (?P<file>\w+\.qml)$", re.MULTILINE)
# Expected on every start and no news: our lock on the configuration folder, and a habit of Qt's own PopupList.qml.
_QUIET = (
    "qt.virtualkeyboard.warning=false;qt.virtualkeyboard.pinyin.warning=false;qt.qml.propertyCache.append.warning=false"
)


def prepare_environment(run_dir: Path) -> None:
    """Set what Qt reads when the application object is made. Call it before ``QGuiApplication``.

    ``run_dir`` exists and belongs to this process (on a terminal: the service's runtime folder, which is in memory). An
    empty file and a folder of links are left there. Child processes inherit the variables: they find no user
    configuration either.
    Raises ``OSError`` when they cannot be made: the keyboard must not start with a place to learn in.
    """
    run_dir = run_dir.resolve()
    lock = run_dir / NO_CONFIGURATION
    lock.touch(mode=0o400)
    os.environ["XDG_CONFIG_HOME"] = str(lock)
    os.environ["QT_IM_MODULE"] = "qtvirtualkeyboard"
    os.environ["QT_IM_MODULES"] = "qtvirtualkeyboard"  # Qt >= 6.7 asks this one first
    os.environ["QT_VIRTUALKEYBOARD_DESKTOP_DISABLE"] = "1"  # the panel is ours, never a window of its own
    os.environ["QT_VIRTUALKEYBOARD_STYLE"] = STYLE_NAME
    os.environ["QT_VIRTUALKEYBOARD_LAYOUT_PATH"] = str(KEYBOARD_FOLDER / "layouts")
    _prepend("QML_IMPORT_PATH", os.pathsep, QML_FOLDER, KEYBOARD_FOLDER / "style", _soundless_components(run_dir))
    _prepend("QT_LOGGING_RULES", ";", _QUIET)


def _soundless_components(run_dir: Path) -> Path:
    """Describe Qt's key types without the plugin that needs sound; return the import path to find that by."""
    origin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.QmlImportsPath)) / _COMPONENTS
    root = run_dir / "qml"
    folder = root / _COMPONENTS
    folder.mkdir(parents=True, exist_ok=True)
    types = dict(_QMLDIR_TYPE.findall((origin / "qmldir").read_text(encoding="utf-8")))
    for file in types.values():
        link = folder / file
        link.unlink(missing_ok=True)  # of an earlier start, perhaps of another release
        link.symlink_to(origin / file)
    # A description without plugin provides only the versions it names: the import asks for that of the running Qt.
    qt = QLibraryInfo.version()
    version = f"{qt.majorVersion()}.{qt.minorVersion()}"
    lines = [f"module {'.'.join(_COMPONENTS.parts)}"]
    lines += [f"{name} {number} {file}" for number in ("2.0", "6.0", version) for name, file in types.items()]
    (folder / "qmldir").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def _prepend(variable: str, separator: str, *values: Path | str) -> None:
    """Put ``values`` before what the variable holds already, each once."""
    ours = separator.join(str(value) for value in values).split(separator)
    others = [part for part in os.environ.get(variable, "").split(separator) if part and part not in ours]
    os.environ[variable] = separator.join(ours + others)


def wipe(window: QQuickWindow) -> None:
    """Forget what is half typed and what is suggested, hide the keyboard, go back to the interface's language.

    Call it at the end of every visit, on the main thread. Without a panel in the window there is nothing to forget.
    """
    panel = _named(window.contentItem(), "keyboardPanel")
    if panel is not None:
        QMetaObject.invokeMethod(panel, "wipe", Qt.ConnectionType.DirectConnection)


def key_centre(window: QQuickWindow, key_text: str) -> QPointF | None:
    """Return the centre of the keyboard's key ``key_text`` in window coordinates; None when it cannot be tapped now.

    ``key_text`` is what is drawn on the key: a sign, or a word in the interface's language ("完成", "Space"); a single
    letter is found in either case. The two keys that leaf through the suggestions go by their names
    (``keyboard.earlier``, ``keyboard.later``). How: below the item named ``keyboardPanel``, every key of Qt Virtual
    Keyboard has a ``keyType`` and a ``displayText``, every key of ours a ``label``. While the panel still moves there
    are no keys.
    """
    panel = _panel(window)
    for item in _items(panel) if panel else ():
        if item.isVisible() and item.isEnabled() and _same(_drawn(item), key_text):
            return _centre(item)
    return None


def candidate_centre(window: QQuickWindow, text: str) -> QPointF | None:
    """Return the centre of the suggested word ``text`` in window coordinates; None when it is not in sight.

    How: suggestions are the delegates with a ``candidate`` property in the list named ``wordCandidateView`` below the
    panel. One that is scrolled away is not in sight: tap the key named by ``keyboard.later`` first.
    """
    panel = _panel(window)
    strip = _named(panel, "wordCandidateView") if panel else None
    if strip is None or not strip.isVisible():
        return None
    area = strip.mapRectToScene(strip.boundingRect())
    for item in _items(strip):
        if item.property("candidate") == text and item.isVisible():
            centre = _centre(item)
            if area.contains(centre):
                return centre
    return None


def _panel(window: QQuickWindow) -> QQuickItem | None:
    """Return the keyboard once it is up and at rest."""
    panel = _named(window.contentItem(), "keyboardPanel")
    return panel if panel is not None and panel.isVisible() and panel.property("settled") else None


def _named(root: QQuickItem, name: str) -> QQuickItem | None:
    return next((item for item in _items(root) if item.objectName() == name), None)


def _drawn(item: QQuickItem) -> str:
    """Return what a key goes by; nothing for what is no key.

    Not by ``metaObject()``: the binding keeps a wrapper for the address of a QML type's meta-object, and takes it for
    another object when the type is gone and the address is used again.
    """
    name = item.property("label") if item.property("keyType") is None else item.property("displayText")
    return name if isinstance(name, str) else ""


def _same(drawn: str, wanted: str) -> bool:
    return drawn == wanted or (len(drawn) == len(wanted) == 1 and drawn.casefold() == wanted.casefold())


def _items(root: QQuickItem) -> Iterator[QQuickItem]:
    """Yield ``root`` and everything below it, in drawing order."""
    yield root
    for child in root.childItems():
        yield from _items(child)


def _centre(item: QQuickItem) -> QPointF:
    return item.mapToScene(item.boundingRect().center())
