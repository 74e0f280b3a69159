"""Hands and eyes of the player: finds what is on the glass by its accessible name and touches it with pointer events.

The events take the way of real ones: delivered to the window, at a place, with nobody told what they mean. A control
that is covered, disabled or out of sight is not touched; one below the edge of a list is dragged into view first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QAccessible, QMouseEvent
from PySide6.QtQuick import QQuickItem

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from PySide6.QtGui import QAccessibleInterface
    from PySide6.QtQuick import QQuickWindow

T = TypeVar("T")
Doing = "Generator[None, None, T]"
"""Something that takes a while: it yields whenever the screen should have a turn."""

HOLD_TICKS = 3  # a finger rests on the glass for some frames
DRAG_MOVES = 8
DRAG_REST_TICKS = 6  # a finger that stops before it lifts does not throw the list
DRAG_SHARE = 0.6  # of the list's height at a time
DRAGS_MAX = 15
TOUCHABLE = frozenset(
    {
        QAccessible.Role.Button,
        QAccessible.Role.CheckBox,
        QAccessible.Role.RadioButton,
        QAccessible.Role.EditableText,
        QAccessible.Role.ListItem,
        QAccessible.Role.Link,
        QAccessible.Role.PageTab,
        QAccessible.Role.MenuItem,
    }
)


class StepFailed(Exception):  # noqa: N818 - not a fault of the program: the visit did not go as written
    """The step cannot be done as a person would do it; the text says what is there instead."""


@dataclass(frozen=True, slots=True)
class Control:
    """Something named on the glass. ``rect`` in window coordinates."""

    name: str
    role: QAccessible.Role
    rect: QRectF
    enabled: bool
    item: QQuickItem | None


def until(look: Callable[[], T | None], within_s: float, complain: Callable[[], str]) -> Generator[None, None, T]:
    """Look again and again until ``look`` finds something. Raises ``StepFailed`` in the words of ``complain``."""
    deadline = time.monotonic() + within_s
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise StepFailed(f"not within {within_s:g} s: {complain()}")
        yield
    return found


class Hands:
    """One person before one window."""

    def __init__(self, window: QQuickWindow) -> None:
        self._window = window

    def controls(self) -> list[Control]:
        """Return everything that has an accessible name and is not hidden, in reading order."""
        root = QAccessible.queryAccessibleInterface(self._window)
        if root is None:
            return []
        return [control for node in _nodes(root) if (control := self._control(node)) is not None]

    def words(self) -> list[str]:
        """Return every text on the glass: accessible names, and texts that are only drawn."""
        said = [control.name for control in self.controls()]
        area = QRectF(0, 0, self._window.width(), self._window.height())
        for item in _shown_items(self._window.contentItem()):
            if item.inherits("QQuickText") or item.inherits("QQuickTextInput") or item.inherits("QQuickTextEdit"):
                drawn = str(item.property("text"))
                if drawn and area.intersects(item.mapRectToScene(item.boundingRect())):
                    said.append(drawn)
        return list(dict.fromkeys(said))

    def tap(self, name: str, nth: int = 1, within_s: float = 10.0) -> Generator[None, None, None]:
        """Touch the ``nth`` control called ``name`` once it is there, enabled and at rest."""
        control = yield from until(lambda: self._find(name, nth), within_s, lambda: self._missing(name, nth))
        for _ in range(DRAGS_MAX):
            if not (yield from self._bring_into_view(control)):
                break
            control = yield from until(lambda: self._find(name, nth), within_s, lambda: self._missing(name, nth))
        at = control.rect.center()
        yield from until(
            lambda: at if self._cover(control, at) is None else None,
            within_s,
            lambda: f"{name!r} is covered by {self._cover(control, at)}",
        )
        yield from self.tap_at(at)

    def tap_at(self, at: QPointF) -> Generator[None, None, None]:
        """Touch a place."""
        self._post(QEvent.Type.MouseButtonPress, at, down=True)
        for _ in range(HOLD_TICKS):
            yield
        self._post(QEvent.Type.MouseButtonRelease, at, down=False)
        yield

    # --- finding ---------------------------------------------------------------------------------------------------

    def _control(self, node: QAccessibleInterface) -> Control | None:
        name = node.text(QAccessible.Text.Name)
        item = node.object()
        if not name or node.state().invisible or not isinstance(item, QQuickItem) or not _is_shown(item):
            return None
        enabled = item.isEnabled() and not node.state().disabled
        return Control(name, node.role(), item.mapRectToScene(QRectF(0, 0, item.width(), item.height())), enabled, item)

    def _find(self, name: str, nth: int) -> Control | None:
        """Return the control if it is there, enabled, and stands where it stood a moment ago."""
        named = [c for c in self.controls() if c.name == name and c.role in TOUCHABLE]
        if len(named) < nth or not named[nth - 1].enabled:
            return None
        return named[nth - 1]

    def _missing(self, name: str, nth: int) -> str:
        here = [c for c in self.controls() if c.role in TOUCHABLE]
        if sum(c.name == name for c in here) >= nth:
            return f"{name!r} is there but cannot be used"
        which = f"number {nth} of " if nth > 1 else ""
        return f"no {which}{name!r}; there are {', '.join(repr(c.name) for c in here if c.enabled) or 'no controls'}"

    # --- touching --------------------------------------------------------------------------------------------------

    def _bring_into_view(self, control: Control) -> Generator[None, None, bool]:
        """Drag the list around ``control`` once if its middle is out of sight. Tells whether it dragged."""
        if control.item is None or (around := _list_around(control.item)) is None:
            return False
        view = around.mapRectToScene(QRectF(0, 0, around.width(), around.height()))
        visible = view.intersected(QRectF(0, 0, self._window.width(), self._window.height() - self._keyboard_height()))
        margin = min(control.rect.height(), visible.height()) / 2
        middle = control.rect.center().y()
        if visible.top() + margin <= middle + 1 and middle - 1 <= visible.bottom() - margin:
            return False
        reach = visible.height() * DRAG_SHARE
        distance = max(-reach, min(reach, visible.center().y() - middle))
        start = QPointF(visible.center().x(), visible.center().y() - distance / 2)
        yield from self._drag(start, distance)
        return True

    def _drag(self, start: QPointF, distance: float) -> Generator[None, None, None]:
        self._post(QEvent.Type.MouseButtonPress, start, down=True)
        yield
        end = start
        for move in range(1, DRAG_MOVES + 1):
            end = start + QPointF(0, distance * move / DRAG_MOVES)
            self._post(QEvent.Type.MouseMove, end, down=True)
            yield
        for _ in range(DRAG_REST_TICKS):
            self._post(QEvent.Type.MouseMove, end, down=True)
            yield
        self._post(QEvent.Type.MouseButtonRelease, end, down=False)
        for _ in range(DRAG_REST_TICKS):
            yield

    def _keyboard_height(self) -> float:
        """Return how much of the glass the keyboard takes at the bottom."""
        for item in _shown_items(self._window.contentItem()):
            if item.objectName() == "keyboardPanel":
                top = item.mapRectToScene(item.boundingRect()).top()
                return max(0.0, self._window.height() - top)
        return 0.0

    def _cover(self, control: Control, at: QPointF) -> str | None:
        """Return what would take the touch instead of ``control``; None when nothing does."""
        if not QRectF(0, 0, self._window.width(), self._window.height()).contains(at):
            return f"the edge of the glass (its middle is at {at.x():.0f}, {at.y():.0f})"
        takers = [
            item
            for item in _shown_items(self._window.contentItem())
            if item.acceptedMouseButtons() != Qt.MouseButton.NoButton and item.contains(item.mapFromScene(at))
        ]
        if not takers or control.item is None:
            return None
        top = takers[-1]
        if top is control.item or control.item.isAncestorOf(top) or top.isAncestorOf(control.item):
            return None
        return top.objectName() or top.metaObject().className()

    def _post(self, kind: QEvent.Type, at: QPointF, *, down: bool) -> None:
        changed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        held = Qt.MouseButton.LeftButton if down else Qt.MouseButton.NoButton
        everywhere = QPointF(self._window.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, at, everywhere, changed, held, Qt.KeyboardModifier.NoModifier)
        QCoreApplication.postEvent(self._window, event)


def _nodes(root: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    for index in range(root.childCount()):
        child = root.child(index)
        if child is not None and child.isValid():
            yield child
            yield from _nodes(child)


def _is_shown(item: QQuickItem) -> bool:
    above: QQuickItem | None = item
    while above is not None:
        if not above.isVisible() or above.opacity() == 0:
            return False
        above = above.parentItem()
    return True


def _shown_items(root: QQuickItem) -> Iterator[QQuickItem]:
    """Yield ``root`` and all shown items below it in painting order: the last one lies on top."""
    if not root.isVisible() or root.opacity() == 0:
        return
    yield root
    for child in sorted(root.childItems(), key=lambda item: item.z()):
        yield from _shown_items(child)


def _list_around(item: QQuickItem) -> QQuickItem | None:
    """Return the nearest list or page that can be dragged and holds more than it shows."""
    above = item.parentItem()
    while above is not None:
        if above.inherits("QQuickFlickable") and float(above.property("contentHeight")) > above.height() + 1:
            return above
        above = above.parentItem()
    return None
