// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban

// A key with one word. `primary` is the thing to do next: one on a view.
Press {
    id: key

    property bool primary: false
    property bool bold: primary
    property string drawing: ""
    property int letterSize: primary ? Theme.letter(38) : Theme.key

    readonly property color letters: off ? Theme.inkSoft : primary ? Theme.inkOnAccent : Theme.ink

    implicitWidth: Math.max(Theme.target, row.implicitWidth + 2 * Theme.s4)
    implicitHeight: Math.max(Theme.keyHeight, row.implicitHeight + 2 * Theme.s2)
    ground: primary ? Theme.accent : Theme.surface
    groundDown: primary ? Theme.accentPressed : Theme.pressed
    rim: primary ? Theme.accent : Theme.edge

    contentItem: Item {
        Row {
            id: row

            anchors.centerIn: parent
            spacing: Theme.s2

            Icon {
                anchors.verticalCenter: parent.verticalCenter
                visible: key.drawing !== ""
                name: key.drawing
                color: key.letters
                size: Theme.letter(40)
            }
            Text {
                id: word

                anchors.verticalCenter: parent.verticalCenter
                width: Math.min(implicitWidth, key.width - 2 * Theme.s3 - (key.drawing === "" ? 0 : Theme.letter(40) + Theme.s2))
                text: key.text
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                horizontalAlignment: Text.AlignHCenter
                color: key.letters
                font.family: Theme.family
                font.pixelSize: key.letterSize
                font.weight: key.bold ? Font.Bold : Font.Normal
                Accessible.ignored: true
            }
        }
    }
}
