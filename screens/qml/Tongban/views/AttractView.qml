// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Row 0. Nobody is served: what can be done here, in four keys.
Item {
    id: view

    required property ScreenModel screen
    readonly property AttractModel model: screen.views.attract
    readonly property bool lying: Theme.landscape
    readonly property real leftWidth: lying ? Math.round(width * 0.42) : width
    readonly property real gap: lying ? Theme.px(96) : 0

    Column {
        id: head

        y: view.lying ? Theme.s3 : Theme.s4
        width: view.leftWidth
        spacing: Theme.s4

        Prose {
            width: parent.width
            text: view.model.title
            isTitle: true
            bold: true
            font.pixelSize: Theme.px(view.lying ? 84 : 92)
            lineHeight: 0.95
        }
        Row {
            spacing: Theme.s2

            ToneMark {
                id: stateMark

                tone: view.model.online ? "good" : "attention"
                size: Theme.letter(40)
            }
            Prose {
                width: head.width - stateMark.width - Theme.s2
                anchors.verticalCenter: parent.verticalCenter
                text: view.model.status
                font.pixelSize: Theme.label
            }
        }
    }

    Column {
        id: notices

        anchors.top: head.bottom
        anchors.topMargin: Theme.s5
        width: view.leftWidth

        Repeater {
            model: view.model.notices

            Item {
                id: line

                required property LineItem item

                width: notices.width
                height: words.height + 2 * Theme.s3

                Rectangle {
                    width: parent.width
                    height: Theme.hair
                    color: Theme.hairline
                }
                Prose {
                    id: words

                    y: Theme.s3
                    width: parent.width
                    text: line.item.words
                    font.pixelSize: Theme.label
                    color: Theme.inkSoft
                }
            }
        }
    }

    Grid {
        id: entries

        anchors.bottom: parent.bottom
        anchors.bottomMargin: view.lying ? Theme.s3 : Theme.s4
        x: view.lying ? view.leftWidth + view.gap : 0
        width: parent.width - x
        columns: 2
        spacing: Theme.s3

        Repeater {
            model: view.model.entries

            EntryTile {
                required property int index

                width: (entries.width - entries.spacing) / 2
                height: Theme.px(view.lying ? 370 : 340)
                primary: index === 0
                onChosen: key => view.screen.choose(key)
            }
        }
    }
}
