// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Options one below the other.
Column {
    id: rows

    required property ItemList options

    signal chosen(key: string)

    width: parent ? parent.width : implicitWidth
    visible: options.count > 0
    spacing: Theme.s2

    Repeater {
        model: rows.options

        OptionRow {
            width: rows.width
            onChosen: key => rows.chosen(key)
        }
    }
}
