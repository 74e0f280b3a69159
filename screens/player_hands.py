"""Hands and eyes of the player: finds what is on the glass by its accessible name and touches it with pointer events.

The events take the way of real ones: delivered to the window, at a place, with nobody told what they mean. A control
that is covered, disabled or out of sight is not touched; one below the edge of a list is dragged into view first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QAccessible, QMouseEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from PySide6.QtGui import QAccessibleInterface
    from PySide6.QtQuick import QQuickItem, QQuickWindow

T = TypeVar("T")
Doing = "Generator[None, None, T]"
"""Something that takes a while: it yields whenever the screen should have a turn."""

HOLD_TICKS = 3  # a finger rests on the glass for some frames
DRAG_MOVES = 8
REST_S = 0.05  # what stands in the same place so much later is at rest; a list that still swings swallows the touch
DRAG_REST_TICKS = 6  # a finger that stops before it lifts does not throw the list
DRAG_SHARE = 0.6  # of the list's height at a time
DRAGS_MAX = 15
WATCHER = "QQuickItem"  # a bare item takes no touch by itself: its handlers only watch and let it through
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


class StepFailed(Exception):
    """The step cannot be done as a person would do it; the text says what is there instead."""


@dataclass(frozen=True, slots=True)
class Control:
    """Something named on the glass. ``rect`` in window coordinates."""

    name: str
    role: QAccessible.Role
    rect: QRectF
    enabled: bool


@dataclass(frozen=True, slots=True)
class Drag:
    """A finger's way over a list, downwards when positive."""

    start: QPointF
    distance: float


class Look:
    """One look at the glass. Good for the moment only: items come and go, and a wrapper kept would outlive its item."""

    def __init__(self, window: QQuickWindow) -> None:
        self.area = QRectF(0, 0, window.width(), window.height())
        self._root = window.contentItem()
        self._items = list(_shown_items(self._root))
        by_address = {shiboken6.getCppPointer(item)[0]: item for item in self._items}
        self._named: list[tuple[Control, QQuickItem]] = []
        for node in _nodes(QAccessible.queryAccessibleInterface(window)):
            behind = node.object()
            item = by_address.get(shiboken6.getCppPointer(behind)[0]) if behind is not None else None
            name = node.text(QAccessible.Text.Name)
            if name and item is not None and not node.state().invisible:
                enabled = item.isEnabled() and not node.state().disabled
                self._named.append((Control(name, node.role(), _rect(item), enabled), item))

    @property
    def controls(self) -> list[Control]:
        """Everything that has an accessible name and is not hidden, in reading order."""
        return [control for control, _ in self._named]

    def words(self) -> list[str]:
        """Return every text on the glass: accessible names, and texts that are only drawn."""
        said = [control.name for control in self.controls]
        for item in self._items:
            if item.inherits("QQuickText") or item.inherits("QQuickTextInput") or item.inherits("QQuickTextEdit"):
                drawn = str(item.property("text"))
                if drawn and self.area.intersects(_rect(item)):
                    said.append(drawn)
        return list(dict.fromkeys(said))

    def aim(self, name: str, nth: int) -> QPointF | Drag | str:
        """Return where to touch, how to drag it into view first, or why neither can be done."""
        found = [(control, item) for control, item in self._named if control.name == name and control.role in TOUCHABLE]
        if len(found) < nth:
            which = f"number {nth} of " if nth > 1 else ""
            here = (c.name for c in self.controls if c.role in TOUCHABLE and c.enabled)
            return f"no {which}{name!r}; there are {', '.join(map(repr, here)) or 'no controls'}"
        control, item = found[nth - 1]
        if not control.enabled:
            return f"{name!r} is there but cannot be used"
        drag = self._way_into_view(control.rect, item)
        if drag is not None:
            return drag
        cover = self._cover(item, control.rect.center())
        return control.rect.center() if cover is None else f"{name!r} is covered by {cover}"

    def _way_into_view(self, rect: QRectF, item: QQuickItem) -> Drag | None:
        around = _list_around(item)
        if around is None:
            return None
        view = _rect(around).intersected(self.area.adjusted(0, 0, 0, -self._keyboard_height()))
        margin = min(rect.height(), view.height()) / 2 - 1
        middle = rect.center().y()
        if view.top() + margin <= middle <= view.bottom() - margin:
            return None
        reach = view.height() * DRAG_SHARE
        distance = max(-reach, min(reach, view.center().y() - middle))
        return Drag(QPointF(view.center().x(), view.center().y() - distance / 2), distance)

    def _keyboard_height(self) -> float:
        """Return how much of the glass the keyboard takes at the bottom."""
        panel = next((item for item in self._items if item.objectName() == "keyboardPanel"), None)
        return max(0.0, self.area.bottom() - _rect(panel).top()) if panel else 0.0

    def _cover(self, item: QQuickItem, at: QPointF) -> str | None:
        """Return what would take a touch instead of ``item``; None when nothing does."""
        if not self.area.contains(at):
            return f"the edge of the glass (its middle is at {at.x():.0f}, {at.y():.0f})"
        takers = [
            each
            for each in self._items
            if each.acceptedMouseButtons() != Qt.MouseButton.NoButton
            and each.metaObject().className() != WATCHER
            and each.contains(each.mapFromScene(at))
        ]
        if not takers:
            return None
        top = takers[-1]
        if top is item or item.isAncestorOf(top) or top.isAncestorOf(item):
            return None
        return top.objectName() or top.metaObject().className()


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

    def look(self) -> Look:
        """Look at the glass."""
        return Look(self._window)

    def words(self) -> list[str]:
        """Return every text on the glass."""
        return self.look().words()

    def tap(self, name: str, nth: int = 1, within_s: float = 10.0) -> Generator[None, None, None]:
        """Touch the ``nth`` control called ``name`` once it is there, enabled, in view and not covered."""
        deadline = time.monotonic() + within_s
        drags = 0
        before: QPointF | None = None
        while (aim := self.look().aim(name, nth)) != before or not isinstance(aim, QPointF):
            if isinstance(aim, Drag) and drags < DRAGS_MAX:
                drags += 1
                yield from self._drag(aim)
            elif time.monotonic() > deadline:
                raise StepFailed(f"not within {within_s:g} s: {aim if isinstance(aim, str) else 'it does not rest'}")
            before = aim if isinstance(aim, QPointF) else None
            rested = time.monotonic() + REST_S
            while time.monotonic() < rested:
                yield
        yield from self.tap_at(aim)

    def tap_at(self, at: QPointF) -> Generator[None, None, None]:
        """Touch a place."""
        self._post(QEvent.Type.MouseButtonPress, at, down=True)
        for _ in range(HOLD_TICKS):
            yield
        self._post(QEvent.Type.MouseButtonRelease, at, down=False)
        yield

    def _drag(self, drag: Drag) -> Generator[None, None, None]:
        self._post(QEvent.Type.MouseButtonPress, drag.start, down=True)
        yield
        end = drag.start
        for move in range(1, DRAG_MOVES + 1):
            end = drag.start + QPointF(0, drag.distance * move / DRAG_MOVES)
            self._post(QEvent.Type.MouseMove, end, down=True)
            yield
        for _ in range(DRAG_REST_TICKS):
            self._post(QEvent.Type.MouseMove, end, down=True)
            yield
        self._post(QEvent.Type.MouseButtonRelease, end, down=False)
        for _ in range(DRAG_REST_TICKS):
            yield

    def _post(self, kind: QEvent.Type, at: QPointF, *, down: bool) -> None:
        changed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        held = Qt.MouseButton.LeftButton if down else Qt.MouseButton.NoButton
        everywhere = QPointF(self._window.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, at, everywhere, changed, held, Qt.KeyboardModifier.NoModifier)
        event.setTimestamp(time.monotonic_ns() // 1_000_000)  # a list follows a finger by its speed
        QCoreApplication.postEvent(self._window, event)


def _nodes(root: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    for index in range(root.childCount()):
        child = root.child(index)
        if child is not None and child.isValid():
            yield child
            yield from _nodes(child)


def _rect(item: QQuickItem) -> QRectF:
    """Return the item's place in window coordinates."""
    return item.mapRectToScene(QRectF(0, 0, item.width(), item.height()))


def _shown_items(root: QQuickItem) -> Iterator[QQuickItem]:
    """Yield ``root`` and all shown items below it in painting order: the last one lies on top."""
    if not root.isVisible() or root.opacity() == 0:
        return
    yield root
    for child in sorted(root.childItems(), key=lambda item: item.z()):
        yield from _shown_items(child)


def _list_around(item: QQuickItem) -> QQuickItem | None:
    """Return the nearest list or page that can be dragged and holds more than it shows."""
    above: QQuickItem | None = item.parentItem()
    while above is not None:
        if above.inherits("QQuickFlickable") and float(above.property("contentHeight")) > above.height() + 1:
            return above
        above = above.parentItem()
    return None
