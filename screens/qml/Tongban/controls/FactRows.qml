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
    property real rowPadding: Theme.px(22)
    property bool prominent: false // the one thing to note down, e.g. a slip's number

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
            height: (stacked ? label.height + value.height : Math.max(label.y + label.height, value.y + value.height) - rows.rowPadding) + 2 * rows.rowPadding

            Rectangle {
                width: parent.width
                height: Theme.hair
                visible: row.index > 0
                color: Theme.hairline
            }
            Prose {
                id: label

                y: rows.rowPadding + (row.stacked ? 0 : value.baselineOffset - baselineOffset)
                width: row.stacked ? parent.width : parent.width * rows.labelShare - Theme.s3
                text: row.item.label
                font.pixelSize: Theme.label
                color: Theme.inkSoft
            }
            Prose {
                id: value

                x: row.stacked ? 0 : parent.width * rows.labelShare
                y: row.stacked ? label.y + label.height : rows.rowPadding
                width: parent.width - x
                text: row.item.value
                font.pixelSize: rows.prominent ? Theme.letter(46) : Theme.lead
                font.weight: rows.prominent ? Font.DemiBold : Font.Normal
            }
        }
    }
}
