// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban

// One answer among several: a ring for one of them, a box for any number; filled when chosen.
Press {
    id: key

    property bool many: false
    property bool chosen: false
    property bool showsMark: true
    readonly property real naturalWidth: word.x + word.implicitWidth + 2 * Theme.s2

    implicitHeight: Math.max(Theme.target, word.implicitHeight + 2 * Theme.s2)
    corner: Theme.radiusSmall
    ground: chosen ? Theme.accentSoft : Theme.surface
    rim: chosen ? Theme.accent : Theme.edge
    rimWidth: chosen ? Theme.px(4) : Theme.hair

    Accessible.role: many ? Accessible.CheckBox : Accessible.RadioButton
    Accessible.checkable: true
    Accessible.checked: chosen

    contentItem: Item {
        Rectangle {
            id: box

            anchors.verticalCenter: parent.verticalCenter
            x: Theme.s3
            width: Theme.letter(40)
            height: width
            visible: key.showsMark
            radius: key.many ? Theme.px(8) : width / 2
            color: key.chosen ? Theme.accent : "transparent"
            border.width: Theme.stroke
            border.color: key.chosen ? Theme.accent : Theme.edge

            Icon {
                anchors.centerIn: parent
                visible: key.chosen
                name: "check"
                size: parent.width * 0.8
                weight: Math.max(2, size / 8)
                color: Theme.inkOnAccent
            }
        }
        Text {
            id: word

            anchors.verticalCenter: parent.verticalCenter
            x: key.showsMark ? box.x + box.width + Theme.s2 : Theme.s2
            width: parent.width - x - Theme.s2
            horizontalAlignment: key.showsMark ? Text.AlignLeft : Text.AlignHCenter
            text: key.text
            textFormat: Text.PlainText
            wrapMode: Text.Wrap
            color: Theme.ink
            font.family: Theme.family
            font.pixelSize: Theme.label
            font.weight: key.chosen ? Font.Bold : Font.Normal
            Accessible.ignored: true
        }
    }
}
