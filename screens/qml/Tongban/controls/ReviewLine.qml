// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One line of a review, with a key to change it where that is possible.
Item {
    id: line

    required property ReviewItem item
    required property int index
    property string editWord: ""
    readonly property bool stacked: Theme.elder
    readonly property bool canEdit: item.edit !== ""
    readonly property real valueX: stacked ? 0 : width * 0.28
    readonly property real firstLine: Math.round((Theme.target + Theme.s2 - Theme.label * 1.45 * Theme.lineHeight) / 2)
    readonly property real keyRoom: edit.width + Theme.s3 // kept free in every line, so that values stand in one column

    signal editAsked(key: string)

    width: parent ? parent.width : implicitWidth
    implicitHeight: Math.max(Theme.target + Theme.s2, value.y + value.height + Theme.s3)

    Rectangle {
        width: parent.width
        height: Theme.hair
        visible: line.index > 0
        color: Theme.hairline
    }
    Prose {
        id: label

        y: line.stacked ? Theme.s3 : line.firstLine
        width: line.stacked ? parent.width - line.keyRoom : line.valueX - Theme.s3
        text: line.item.label
        font.pixelSize: Theme.label
        color: Theme.inkSoft
    }
    Prose {
        id: value

        x: line.valueX
        y: line.stacked ? label.y + label.height : line.firstLine
        width: parent.width - x - line.keyRoom
        text: line.item.value
        font.pixelSize: Theme.label
    }
    ActionKey {
        id: edit

        anchors.right: parent.right
        y: line.stacked ? (parent.height - height) / 2 : Theme.s1
        height: Theme.target
        visible: line.canEdit
        drawing: "pencil"
        text: line.editWord
        rim: "transparent"
        ground: "transparent"
        letterSize: Theme.label
        onClicked: line.editAsked(line.item.edit)

        // Which line it changes: the word alone would stand there many times.
        Accessible.name: line.editWord + " " + line.item.label
    }
}
