// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Yes and no, of one size; neither is chosen beforehand.
Row {
    id: entry

    required property ControlWords words
    property string value: ""

    signal edited(string value)

    spacing: Theme.s2

    Repeater {
        model: ["yes", "no"]

        ChoiceKey {
            required property string modelData

            width: (entry.width - entry.spacing) / 2
            text: modelData === "yes" ? entry.words.yes : entry.words.no
            chosen: entry.value === modelData
            onClicked: entry.edited(modelData)
        }
    }
}
