// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Controls.Basic
import Tongban

// One line to write on.
TextField {
    id: entry

    property bool wrong: false
    property string name: ""

    implicitHeight: Math.max(Theme.target, contentHeight + 2 * Theme.s3)
    leftPadding: Theme.s3
    rightPadding: Theme.s3
    verticalAlignment: TextInput.AlignVCenter
    color: Theme.ink
    placeholderTextColor: Theme.inkSoft
    selectionColor: Theme.accent
    selectedTextColor: Theme.inkOnAccent
    font.family: Theme.family
    font.pixelSize: Theme.letter(34)
    inputMethodHints: Qt.ImhSensitiveData | Qt.ImhNoAutoUppercase | Qt.ImhNoPredictiveText

    Accessible.name: name
    Accessible.role: Accessible.EditableText

    cursorDelegate: Rectangle {
        width: Theme.stroke
        visible: entry.activeFocus
        color: Theme.accent
    }

    background: Rectangle {
        radius: Theme.radiusSmall
        color: Theme.surface
        border.width: entry.activeFocus || entry.wrong ? Theme.px(4) : Theme.hair
        border.color: entry.activeFocus ? Theme.accent : entry.wrong ? Theme.sorry : Theme.edge
    }
}
