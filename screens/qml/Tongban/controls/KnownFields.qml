// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// What somebody else has filled in, folded away; opens with a key.
Column {
    id: fold

    required property ItemList known
    property string title: ""
    property bool open: false

    width: parent ? parent.width : implicitWidth
    visible: known.count > 0
    spacing: Theme.s2

    Press {
        id: key

        width: parent.width
        implicitHeight: Math.max(Theme.target, word.implicitHeight + 2 * Theme.s2)
        text: fold.title
        ground: Theme.sunken
        rim: "transparent"
        corner: Theme.radiusSmall
        onClicked: fold.open = !fold.open

        Accessible.checkable: true
        Accessible.checked: fold.open

        contentItem: Item {
            ToneMark {
                id: mark

                anchors.verticalCenter: parent.verticalCenter
                x: Theme.s3
                tone: "good"
                size: Theme.letter(40)
            }
            Text {
                id: word

                anchors.verticalCenter: parent.verticalCenter
                x: mark.x + mark.width + Theme.s2
                width: parent.width - x - Theme.px(88)
                text: fold.title
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                color: Theme.ink
                font.family: Theme.family
                font.pixelSize: Theme.label
                Accessible.ignored: true
            }
            Icon {
                anchors.verticalCenter: parent.verticalCenter
                x: parent.width - width - Theme.s3
                name: fold.open ? "up" : "down"
                size: Theme.px(40)
            }
        }
    }

    Column {
        width: parent.width
        visible: fold.open

        Repeater {
            model: fold.known

            Item {
                id: row

                required property KnownItem item
                required property int index
                readonly property real share: Theme.elder ? 0 : width * 0.34

                width: fold.width
                height: source.y + source.height + Theme.s2

                Rectangle {
                    width: parent.width
                    height: Theme.hair
                    visible: row.index > 0
                    color: Theme.hairline
                }
                Prose {
                    id: label

                    y: Theme.s2
                    x: Theme.s3
                    width: Theme.elder ? parent.width - x : row.share - x - Theme.s2
                    text: row.item.label
                    font.pixelSize: Theme.label
                    color: Theme.inkSoft
                }
                Prose {
                    id: value

                    x: Theme.elder ? Theme.s3 : row.share
                    y: Theme.elder ? label.y + label.height : Theme.s2
                    width: parent.width - x
                    text: row.item.value
                    font.pixelSize: Theme.label
                }
                Prose {
                    id: source

                    x: value.x
                    y: Math.max(value.y + value.height, label.y + (Theme.elder ? 0 : label.height - height))
                    width: value.width
                    text: row.item.source
                    font.pixelSize: Theme.small
                    color: Theme.inkSoft
                }
            }
        }
    }
}
