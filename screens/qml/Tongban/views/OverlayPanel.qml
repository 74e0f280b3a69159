// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// A question over the view, which stays as it was beneath.
Item {
    id: overlay

    required property ScreenModel screen
    readonly property OverlayModel model: screen.overlay

    MouseArea {
        anchors.fill: parent
        // Nothing beneath is touched.
    }
    Rectangle {
        anchors.fill: parent
        color: Theme.scrim
    }

    Rectangle {
        id: panel

        anchors.horizontalCenter: parent.horizontalCenter
        y: Theme.landscape ? (parent.height - height) / 2 : parent.height - height - Theme.px(224)
        width: Math.min(parent.width - 2 * Theme.px(40), Theme.px(1180))
        height: Math.min(column.height + 2 * Theme.s6, parent.height - 2 * Theme.s3)
        radius: Theme.px(32)
        color: Theme.paper

        Column {
            id: column

            x: Theme.s6
            y: Theme.s6
            width: parent.width - 2 * Theme.s6
            spacing: Theme.s4

            Title {
                width: parent.width
                text: overlay.model.title
                letterSize: Theme.head(56)
            }
            Repeater {
                model: overlay.model.lines

                Prose {
                    required property LineItem item

                    width: column.width
                    text: item.words
                    font.pixelSize: Theme.lead
                }
            }
            Prose {
                width: parent.width
                visible: text !== ""
                text: overlay.model.countdown
                bold: true
                font.pixelSize: Theme.letter(48)
                color: Theme.attention
            }
            Item {
                width: 1
                height: Theme.s1
            }
            Repeater {
                model: overlay.model.actions

                ActionKey {
                    required property OptionItem item
                    required property int index

                    width: column.width
                    primary: index === 0
                    off: !item.usable
                    text: item.title
                    note: item.detail
                    onClicked: overlay.screen.choose(item.key)
                }
            }
        }
    }
}
