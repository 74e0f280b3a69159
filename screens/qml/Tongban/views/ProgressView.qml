// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Rows 13 and 14. The machine works and says what it waits for.
Page {
    id: view

    required property ScreenModel screen
    readonly property ProgressModel model: screen.views.progress

    words: screen.words
    title: model.title
    lead: model.waitingFor
    split: 0.42
    bodySpacing: 0
    actions: [
        OptionRows {
            options: view.model.options
            onChosen: key => view.screen.choose(key)
        }
    ]

    Repeater {
        model: view.model.stages

        Item {
            id: stage

            required property StageItem item
            required property int index

            width: parent ? parent.width : 0
            height: Math.max(Theme.px(176), label.height + state.height + 2 * Theme.s3)

            Rectangle {
                x: mark.x + mark.width / 2 - width / 2
                y: -stage.height / 2 + mark.height / 2 + Theme.s1
                width: Theme.stroke
                height: stage.height - mark.height - 2 * Theme.s1
                visible: stage.index > 0
                color: Theme.hairline
            }
            StateMark {
                id: mark

                anchors.verticalCenter: parent.verticalCenter
                progress: stage.item.state
                size: Theme.px(84)
            }
            Column {
                anchors.verticalCenter: parent.verticalCenter
                x: mark.width + Theme.s4
                width: parent.width - x

                Prose {
                    id: label

                    width: parent.width
                    text: stage.item.label
                    bold: stage.item.state === "running"
                    font.pixelSize: Theme.letter(42)
                    color: stage.item.state === "waiting" ? Theme.inkSoft : Theme.ink
                }
                Prose {
                    id: state

                    width: parent.width
                    text: stage.item.stateWord
                    font.pixelSize: Theme.label
                    color: stage.item.state === "failed" ? Theme.sorry : Theme.inkSoft
                }
            }
        }
    }
}
