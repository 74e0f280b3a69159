// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One thing to take along: what it is, and whether it has been taken.
Rectangle {
    id: row

    required property BelongingItem item

    width: parent ? parent.width : implicitWidth
    implicitHeight: Math.max(Theme.px(112), label.height + 2 * Theme.s2)
    radius: Theme.radius
    color: item.taken ? "transparent" : Theme.surface
    border.width: item.taken ? Theme.hair : Theme.px(4)
    border.color: item.taken ? Theme.hairline : Theme.accent

    Icon {
        id: drawing

        anchors.verticalCenter: parent.verticalCenter
        x: Theme.s4
        name: row.item.slot === "id_reader" ? "card" : row.item.slot === "receipt_slot" ? "slip" : row.item.slot === "camera" ? "camera" : "sheet"
        color: row.item.taken ? Theme.inkSoft : Theme.ink
    }
    Prose {
        id: label

        anchors.verticalCenter: parent.verticalCenter
        x: drawing.x + drawing.width + Theme.s3
        width: state.x - x - Theme.s3
        text: row.item.label
        bold: !row.item.taken
        font.pixelSize: Theme.letter(36)
        color: row.item.taken ? Theme.inkSoft : Theme.ink
    }
    Row {
        id: state

        anchors.verticalCenter: parent.verticalCenter
        x: parent.width - width - Theme.s4
        spacing: Theme.s1

        ToneMark {
            anchors.verticalCenter: parent.verticalCenter
            visible: row.item.taken
            tone: "good"
            size: Theme.letter(36)
        }
        Icon {
            anchors.verticalCenter: parent.verticalCenter
            visible: !row.item.taken
            name: "forward"
            color: Theme.accent
            size: Theme.letter(36)
        }
        Prose {
            text: row.item.stateWord
            bold: !row.item.taken
            wrapMode: Text.NoWrap
            font.pixelSize: Theme.label
            color: row.item.taken ? Theme.good : Theme.accent
        }
    }
}
