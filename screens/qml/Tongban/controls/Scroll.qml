// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// More than fits: turned by two keys with words, and by the finger.
Item {
    id: scroll

    required property ControlWords words
    property bool hasKeys: true
    property alias contentHeight: flick.contentHeight
    property alias contentY: flick.contentY
    default property alias content: flick.flickableData
    readonly property real roomWidth: width
    readonly property real roomHeight: flick.height
    readonly property bool overflows: contentHeight > height + 1

    function turn(direction: int): void {
        const most = flick.contentHeight - flick.height;
        flick.contentY = Math.max(0, Math.min(most, flick.contentY + direction * flick.height * 0.8));
    }

    Flickable {
        id: flick

        width: parent.width
        height: pager.visible ? parent.height - pager.height - Theme.s2 : parent.height
        contentWidth: width
        clip: scroll.overflows
        interactive: scroll.overflows
        boundsBehavior: Flickable.StopAtBounds
        pixelAligned: true
    }

    Rectangle {
        y: flick.height - height
        width: parent.width
        height: Theme.hair
        visible: scroll.overflows
        color: Theme.edge
    }

    Row {
        id: pager

        anchors.bottom: parent.bottom
        visible: scroll.overflows && scroll.hasKeys
        spacing: Theme.s3

        Repeater {
            model: [-1, 1]

            ActionKey {
                required property int modelData

                width: (scroll.width - Theme.s3) / 2
                height: Theme.target
                text: modelData < 0 ? scroll.words.up : scroll.words.down
                drawing: modelData < 0 ? "up" : "down"
                off: modelData < 0 ? flick.contentY <= 1 : flick.contentY >= flick.contentHeight - flick.height - 1
                onClicked: scroll.turn(modelData)
            }
        }
    }
}
