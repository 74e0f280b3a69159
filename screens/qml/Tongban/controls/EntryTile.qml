// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One of the four keys of the attract screen.
Press {
    id: tile

    required property OptionItem item
    property bool primary: false
    readonly property color letters: off ? Theme.inkSoft : primary ? Theme.inkOnAccent : Theme.ink

    signal chosen(key: string)

    implicitHeight: Theme.px(84) + words.height + 2 * Theme.s4 + Theme.s3
    off: !item.usable
    text: item.title
    note: item.usable ? item.detail : item.reason
    ground: primary ? Theme.accent : Theme.surface
    groundDown: primary ? Theme.accentPressed : Theme.pressed
    rim: primary ? Theme.accent : Theme.edge
    corner: Theme.px(28)
    onClicked: chosen(item.key)

    contentItem: Item {
        Icon {
            x: Theme.s4
            y: Theme.s4
            name: tile.item.icon
            size: Theme.px(84)
            color: tile.letters
            weight: Theme.px(4)
        }
        Column {
            id: words

            x: Theme.s4
            width: parent.width - 2 * Theme.s4
            anchors.bottom: parent.bottom
            anchors.bottomMargin: Theme.s4
            spacing: Theme.px(4)

            Text {
                width: parent.width
                text: tile.item.title
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                color: tile.letters
                font.family: Theme.family
                font.pixelSize: Theme.head(52)
                font.weight: Font.Bold
                lineHeight: 0.95
                Accessible.ignored: true
            }
            Text {
                width: parent.width
                visible: text !== ""
                text: tile.off ? tile.item.reason : tile.item.detail
                textFormat: Text.PlainText
                wrapMode: Text.Wrap
                color: tile.off ? Theme.attention : tile.primary ? Theme.inkOnAccent : Theme.inkSoft
                font.family: Theme.family
                font.pixelSize: Theme.small
                Accessible.ignored: true
            }
        }
    }
}
