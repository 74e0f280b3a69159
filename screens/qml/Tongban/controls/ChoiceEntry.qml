// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// One answer of several, or any number of them. The value is the ids joined by commas.
Grid {
    id: entry

    required property ItemList options
    property bool many: false
    property string value: ""
    property real widest: 0 // of all answers on one line

    signal edited(string value)

    readonly property var chosen: value === "" ? [] : value.split(",")

    function toggle(key: string): void {
        if (!many) {
            edited(key);
            return;
        }
        const kept = chosen.filter(one => one !== key);
        edited((kept.length === chosen.length ? kept.concat(key) : kept).join(","));
    }

    readonly property bool threeFit: options.count === 3 && 3 * widest + 2 * columnSpacing <= width

    columns: Theme.elder ? 1 : threeFit ? 3 : 2
    columnSpacing: Theme.s2
    rowSpacing: Theme.s2

    Repeater {
        model: entry.options

        ChoiceKey {
            required property OptionItem item

            width: (entry.width - (entry.columns - 1) * entry.columnSpacing) / entry.columns
            text: item.title
            many: entry.many
            chosen: entry.chosen.includes(item.key)
            off: !item.usable
            note: item.usable ? item.detail : item.reason
            onNaturalWidthChanged: entry.widest = Math.max(entry.widest, naturalWidth)
            Component.onCompleted: entry.widest = Math.max(entry.widest, naturalWidth)
            onClicked: entry.toggle(item.key)
        }
    }
}
