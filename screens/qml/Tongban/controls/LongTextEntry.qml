// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Controls.Basic
import Tongban

// Several lines to write on, with the number of characters there is room for.
Column {
    id: entry

    property bool wrong: false
    property string name: ""
    property int most: 0
    property alias text: area.text
    property alias field: area

    signal edited(string text)
    signal written(real from, real length) // where the cursor stands

    spacing: Theme.s1

    TextArea {
        id: area

        width: parent.width
        implicitHeight: Math.max(Theme.letter(34) * 1.5 * 4 + 2 * Theme.s3, contentHeight + 2 * Theme.s3)
        padding: Theme.s3
        wrapMode: TextArea.Wrap
        textFormat: TextArea.PlainText
        color: Theme.ink
        selectionColor: Theme.accent
        selectedTextColor: Theme.inkOnAccent
        font.family: Theme.family
        font.pixelSize: Theme.letter(34)
        inputMethodHints: Qt.ImhSensitiveData | Qt.ImhNoAutoUppercase | Qt.ImhNoPredictiveText | Qt.ImhMultiLine

        Accessible.name: entry.name
        Accessible.role: Accessible.EditableText

        onTextChanged: {
            if (entry.most > 0 && length > entry.most) {
                remove(entry.most, length);
                return;
            }
            entry.edited(text);
        }

        onCursorRectangleChanged: {
            if (activeFocus)
                entry.written(cursorRectangle.y, cursorRectangle.height + Theme.s3);
        }

        cursorDelegate: Rectangle {
            width: Theme.stroke
            visible: area.activeFocus
            color: Theme.accent
        }

        background: Rectangle {
            radius: Theme.radiusSmall
            color: Theme.surface
            border.width: area.activeFocus || entry.wrong ? Theme.px(4) : Theme.hair
            border.color: area.activeFocus ? Theme.accent : entry.wrong ? Theme.sorry : Theme.edge
        }
    }
    Prose {
        width: parent.width
        visible: entry.most > 0
        text: area.length + " / " + entry.most
        horizontalAlignment: Text.AlignRight
        font.pixelSize: Theme.small
        color: Theme.inkSoft
    }
}
