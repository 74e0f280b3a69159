// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One step of several: its shape on a line that joins them, its name, a word for its state.
Item {
    id: stage

    required property StageItem item
    required property int index
    property bool dense: false
    property bool last: false

    readonly property bool runs: item.state === "running"

    width: parent ? parent.width : 0
    height: Math.max(Theme.px(dense ? 72 : 140), words.height + 2 * Theme.px(4))

    Rectangle {
        x: mark.x + mark.width / 2 - width / 2
        y: stage.height / 2 + mark.height / 2 + Theme.px(4)
        width: Theme.stroke
        height: stage.height - mark.height - Theme.s1
        visible: !stage.last
        color: Theme.hairline
    }
    StateMark {
        id: mark

        anchors.verticalCenter: parent.verticalCenter
        progress: stage.item.state
        size: Theme.px(stage.dense ? 52 : 72)
    }
    Item {
        id: words

        anchors.verticalCenter: parent.verticalCenter
        x: mark.width + Theme.s3
        width: parent.width - x
        height: Math.max(label.height, word.height)

        Prose {
            id: label

            width: parent.width - word.width - Theme.s3
            text: stage.item.label
            bold: stage.runs
            font.pixelSize: stage.runs ? Theme.letter(36) : Theme.lead
            color: stage.item.state === "waiting" ? Theme.inkSoft : Theme.ink
        }
        Prose {
            id: word

            x: parent.width - width
            anchors.verticalCenter: parent.verticalCenter
            text: stage.item.stateWord
            wrapMode: Text.NoWrap
            font.pixelSize: Theme.small
            color: stage.item.state === "failed" ? Theme.sorry : stage.item.state === "done" ? Theme.good : Theme.inkSoft
        }
    }
}
