// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// A section as a key: its shape, its name, and the worst of its lines in a word. Read out, it says all its lines.
Press {
    id: key

    required property ServiceSection item

    property bool opens: true // an arrow says so; where keys stand side by side their rims do

    implicitHeight: Math.max(Theme.target, words.implicitHeight + 2 * Theme.s1)
    corner: Theme.radiusSmall
    text: item.title
    note: item.word + ". " + item.spoken

    contentItem: Item {
        ToneMark {
            id: mark

            anchors.verticalCenter: parent.verticalCenter
            x: Theme.px(12)
            tone: key.item.shape
            size: Theme.letter(36)
        }
        Column {
            id: words

            anchors.verticalCenter: parent.verticalCenter
            x: mark.x + mark.width + Theme.px(12)
            width: parent.width - x - Theme.s1 - (key.opens ? arrow.width + Theme.s1 : 0)

            Text {
                width: parent.width
                text: key.item.title
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                color: Theme.ink
                font.family: Theme.family
                font.pixelSize: Theme.small
                font.weight: Font.Bold
                Accessible.ignored: true
            }
            Text {
                width: parent.width
                text: key.item.word
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                color: mark.color
                font.family: Theme.family
                font.pixelSize: Theme.small
                Accessible.ignored: true
            }
        }
        Icon {
            id: arrow

            visible: key.opens
            anchors.verticalCenter: parent.verticalCenter
            x: parent.width - width - Theme.s1
            name: "forward"
            size: Theme.px(32)
            color: Theme.edge
        }
    }
}
