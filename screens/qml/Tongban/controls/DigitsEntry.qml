// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// A number to enter: touched, it opens a pad of large digits of its own.
Column {
    id: entry

    required property ControlWords words
    property string name: ""
    property string value: ""
    property int most: 0
    property bool wrong: false
    property bool open: false
    property bool secret: false // drawn as dots, never read out

    signal edited(string value)
    signal asked

    spacing: Theme.s2

    Press {
        id: field

        width: parent.width
        implicitHeight: Math.max(Theme.target, shown.implicitHeight + 2 * Theme.s2)
        corner: Theme.radiusSmall
        groundDown: Theme.surface
        rim: entry.open ? Theme.accent : entry.wrong ? Theme.sorry : Theme.edge
        rimWidth: entry.open || entry.wrong ? Theme.px(4) : Theme.hair
        text: entry.name
        note: entry.secret ? "" : entry.value
        onClicked: entry.asked()

        Accessible.role: Accessible.EditableText

        Keys.onPressed: event => {
            if (event.key === Qt.Key_Backspace)
                pad.put(pad.value.slice(0, -1));
            else if (/^[0-9]$/.test(event.text))
                pad.add(event.text);
            else
                return;
            event.accepted = true;
        }

        contentItem: Item {
            Row {
                anchors.verticalCenter: parent.verticalCenter
                x: Theme.s3

                Text {
                    id: shown

                    text: entry.secret ? "●".repeat(pad.value.length) : pad.grouped
                    textFormat: Text.PlainText
                    color: Theme.ink
                    font.family: Theme.family
                    font.pixelSize: Theme.letter(40)
                    Accessible.ignored: true
                }
                Text {
                    text: entry.secret ? "" : pad.pattern.slice(pad.grouped.length)
                    textFormat: Text.PlainText
                    color: Theme.edge
                    font.family: Theme.family
                    font.pixelSize: Theme.letter(40)
                    Accessible.ignored: true
                }
            }
        }
    }

    NumberPad {
        id: pad

        width: parent.width
        visible: entry.open
        words: entry.words.keyboard
        maxLength: entry.most
        showValue: false
        onEdited: value => entry.edited(value)
    }
    Binding {
        target: pad
        property: "value"
        value: entry.value
    }
}
