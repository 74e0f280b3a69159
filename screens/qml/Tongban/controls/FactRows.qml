// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Labelled lines with a hairline between them.
Column {
    id: rows

    required property ItemList facts
    property real labelShare: 0.3

    width: parent ? parent.width : implicitWidth
    visible: facts.count > 0

    Repeater {
        model: rows.facts

        Item {
            id: row

            required property FactItem item
            required property int index
            readonly property bool stacked: Theme.elder

            width: rows.width
            height: Math.max(label.height, stacked ? label.height + value.height + Theme.px(4) : value.height) + 2 * Theme.s3

            Rectangle {
                width: parent.width
                height: Theme.hair
                visible: row.index > 0
                color: Theme.hairline
            }
            Prose {
                id: label

                y: Theme.s3
                width: row.stacked ? parent.width : parent.width * rows.labelShare - Theme.s3
                text: row.item.label
                font.pixelSize: Theme.label
                color: Theme.inkSoft
            }
            Prose {
                id: value

                x: row.stacked ? 0 : parent.width * rows.labelShare
                y: row.stacked ? label.y + label.height + Theme.px(4) : Theme.s3
                width: parent.width - x
                text: row.item.value
                font.pixelSize: Theme.label
            }
        }
    }
}
