// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One line of a section: shape and name, how it is in words, and with `full` what began it and what the shape means.
Press {
    id: line

    required property ServiceRow item
    required property int index
    property bool full: false

    readonly property real air: Theme.px(full ? 12 : 8)
    readonly property real share: Theme.landscape ? 0.34 : 0.3 // of the name, where all is on one line
    readonly property bool stacked: Theme.elder || full && !Theme.landscape

    signal chosen(key: string)

    implicitHeight: Math.max(item.opens ? Theme.target : 0, words.height + 2 * air)
    // Only what can be chosen is a key; the others are words.
    enabled: item.opens
    text: item.label
    note: item.value
    Accessible.ignored: !item.opens
    onClicked: chosen(item.key)

    background: Rectangle {
        color: line.down ? Theme.pressed : "transparent"

        Rectangle {
            width: parent.width
            height: Theme.hair
            visible: line.index > 0
            color: Theme.hairline
        }
    }

    contentItem: Item {
        ToneMark {
            id: mark

            x: Theme.s2
            y: line.air + Math.round((label.lineBox - height) / 2)
            tone: line.item.shape
            size: Theme.letter(line.full ? 44 : 36)
        }
        Item {
            id: words

            x: mark.x + mark.width + Theme.s2
            y: line.air
            width: parent.width - x - (line.item.opens ? Theme.px(56) : 0)
            height: line.stacked ? label.height + value.height + detail.space : Math.max(label.height, value.y + value.height + detail.space)

            Prose {
                id: label

                readonly property real lineBox: font.pixelSize * 1.6

                width: line.stacked ? parent.width - (line.full ? word.width + Theme.s2 : 0) : parent.width * line.share - Theme.s2
                text: line.item.label
                bold: line.full
                font.pixelSize: line.full ? Theme.lead : Theme.label
            }
            Prose {
                id: word

                x: parent.width - width
                anchors.baseline: label.baseline
                visible: line.full
                text: line.full ? line.item.word : ""
                color: mark.color
                font.pixelSize: Theme.small
                wrapMode: Text.NoWrap
            }
            Prose {
                id: value

                x: line.stacked ? 0 : parent.width * line.share
                y: line.stacked ? label.height : label.baselineOffset - baselineOffset
                width: parent.width - x - (line.full && !line.stacked ? word.width + Theme.s3 : 0)
                text: line.item.value
                font.pixelSize: line.full ? Theme.label : Theme.small
                color: line.full ? Theme.ink : mark.color
            }
            Prose {
                id: detail

                readonly property real space: visible ? height : 0

                x: value.x
                y: value.y + value.height
                width: value.width
                visible: text !== ""
                text: line.item.detail
                font.pixelSize: Theme.small
                color: Theme.inkSoft
            }
        }
        Icon {
            anchors.verticalCenter: parent.verticalCenter
            x: parent.width - width - Theme.s1
            visible: line.item.opens
            name: "forward"
            size: Theme.px(40)
            color: Theme.edge
        }
    }
}
