// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
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

        y: view.lying ? 0 : Theme.s4
        width: view.leftWidth
        spacing: Theme.s4

        Title {
            width: parent.width
            text: view.model.title
            letterSize: Theme.px(view.lying ? 72 : view.model.title.charCodeAt(0) >= 0x2e80 ? 92 : 76)
        }
        Row {
            spacing: Theme.s2

            ToneMark {
                id: stateMark

                tone: view.model.whole ? "good" : "attention"
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

        readonly property real room: (view.lying ? view.height : entries.y - Theme.s4) - y

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
                opacity: y + height <= notices.room ? 1 : 0 // better none than a part
                Accessible.ignored: opacity === 0

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

    GridLayout {
        id: entries

        anchors.bottom: parent.bottom
        anchors.bottomMargin: view.lying ? 0 : Theme.s4
        x: view.lying ? view.leftWidth + view.gap : 0
        width: parent.width - x
        height: view.lying ? parent.height : implicitHeight
        columns: 2
        columnSpacing: Theme.s3
        rowSpacing: Theme.s3
        uniformCellWidths: true
        uniformCellHeights: true

        Repeater {
            model: view.model.entries

            EntryTile {
                required property int index

                Layout.fillWidth: true
                Layout.fillHeight: true
                Layout.preferredHeight: Math.max(implicitHeight, Theme.px(340))
                primary: index === 0
                onChosen: key => view.screen.choose(key)
            }
        }
    }
}
