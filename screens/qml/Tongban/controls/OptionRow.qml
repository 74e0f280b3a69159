// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One option in a list: drawing, title, detail; or why it cannot be chosen now.
Press {
    id: row

    required property OptionItem item

    signal chosen(key: string)

    readonly property bool hasDrawing: item.icon !== ""

    implicitHeight: Math.max(Theme.px(132), words.implicitHeight + 2 * Theme.px(20))
    off: !item.usable
    text: item.title
    note: item.usable ? item.detail : item.reason
    onClicked: chosen(item.key)

    contentItem: Item {
        Icon {
            id: drawing

            anchors.verticalCenter: parent.verticalCenter
            x: Theme.s4
            visible: row.hasDrawing
            name: row.item.icon
            size: Theme.icon
            color: row.off ? Theme.inkSoft : Theme.ink
        }

        Column {
            id: words

            anchors.verticalCenter: parent.verticalCenter
            x: Theme.s4 + (row.hasDrawing ? Theme.icon + Theme.s4 : 0)
            width: parent.width - x - Theme.s4 - Theme.px(40) - Theme.s2
            spacing: Theme.px(2)

            Text {
                width: parent.width
                text: row.item.title
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                color: row.off ? Theme.inkSoft : Theme.ink
                font.family: Theme.family
                font.pixelSize: Theme.letter(36)
                font.weight: Font.Bold
                Accessible.ignored: true
            }
            Text {
                width: parent.width
                visible: text !== ""
                text: row.item.detail
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                color: Theme.inkSoft
                font.family: Theme.family
                font.pixelSize: Theme.small
                Accessible.ignored: true
            }
            Item {
                width: parent.width
                height: reason.height
                visible: row.off && row.item.reason !== ""

                ToneMark {
                    id: mark

                    y: Math.round((Theme.letter(28) * 1.45 - height) / 2)
                    tone: "attention"
                    size: Theme.letter(30)
                }
                Text {
                    id: reason

                    x: mark.width + Theme.s1
                    width: parent.width - x
                    text: row.item.reason
                    textFormat: Text.PlainText
                    wrapMode: Text.Wrap
                    color: Theme.attention
                    font.family: Theme.family
                    font.pixelSize: Theme.small
                    Accessible.ignored: true
                }
            }
        }

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            x: parent.width - width - Theme.s3
            visible: !row.off
            name: "forward"
            size: Theme.px(40)
            color: Theme.edge
        }
    }
}
