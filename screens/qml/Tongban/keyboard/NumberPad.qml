// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Tongban

// Digits by large keys: phone numbers, codes, citizen numbers. What is entered stands above the keys in groups, with a
// line for each digit still missing. Each key's name is its digit or word.
//
// The pad changes `value` and then says edited(value), as a text field does.
// words: delete, clear
ColumnLayout {
    id: pad

    required property var words
    property string value: ""
    // 0: no limit.
    property int maxLength: 0
    // The last sign of a citizen number may be X.
    property bool allowX: false
    // Sizes of the groups shown; what is left over forms the last one.
    property var groups: maxLength === 11 ? [3, 4, 4] : maxLength === 18 ? [6, 8, 4] : []
    property bool showValue: true

    readonly property bool full: maxLength > 0 && value.length >= maxLength
    readonly property string grouped: group(value)
    // Groups and missing digits together: "138 00__ ____".
    readonly property string pattern: group(value + "_".repeat(Math.max(0, maxLength - value.length)))

    signal edited(string value)

    spacing: Theme.s2

    function group(signs: string): string {
        const parts = [];
        let start = 0;
        for (const size of groups) {
            if (start < signs.length)
                parts.push(signs.slice(start, start + size));
            start += size;
        }
        if (start < signs.length)
            parts.push(signs.slice(start));
        return parts.join(" ");
    }

    function put(next: string): void {
        if (next === value)
            return;
        value = next;
        edited(next);
    }

    function add(sign: string): void {
        if (!full)
            put(value + sign);
    }

    Rectangle {
        Layout.fillWidth: true
        Layout.preferredHeight: Theme.keyHeight
        visible: pad.showValue
        radius: Theme.radiusSmall
        border.width: Theme.hair
        border.color: Theme.edge
        color: Theme.surface

        Row {
            anchors.left: parent.left
            anchors.leftMargin: Theme.s3
            anchors.verticalCenter: parent.verticalCenter

            Text {
                text: pad.grouped
                textFormat: Text.PlainText
                font.family: Theme.family
                font.pixelSize: Theme.letter(48)
                color: Theme.ink
                Accessible.role: Accessible.StaticText
                Accessible.name: text
                Accessible.ignored: text === ""
            }
            Text {
                text: pad.pattern.slice(pad.grouped.length)
                textFormat: Text.PlainText
                font.family: Theme.family
                font.pixelSize: Theme.letter(48)
                color: Theme.edge
                Accessible.ignored: true
            }
        }
    }

    GridLayout {
        Layout.fillWidth: true
        columns: 4
        rows: 4
        columnSpacing: Theme.s2
        rowSpacing: Theme.s2
        uniformCellWidths: true

        Repeater {
            model: 9

            PadKey {
                required property int index

                Layout.row: Math.floor(index / 3)
                Layout.column: index % 3
                Layout.fillWidth: true
                text: String(index + 1)
                enabled: !pad.full
                onClicked: pad.add(text)
            }
        }
        PadKey {
            Layout.row: 3
            Layout.column: 0
            Layout.fillWidth: true
            visible: pad.allowX
            text: "X"
            enabled: !pad.full && pad.value.length === 17
            onClicked: pad.add(text)
        }
        PadKey {
            Layout.row: 3
            Layout.column: 1
            Layout.fillWidth: true
            text: "0"
            enabled: !pad.full
            onClicked: pad.add(text)
        }
        PadKey {
            Layout.row: 0
            Layout.column: 3
            Layout.rowSpan: 2
            Layout.fillWidth: true
            Layout.fillHeight: true
            text: pad.words["delete"]
            enabled: pad.value !== ""
            autoRepeat: true
            onClicked: pad.put(pad.value.slice(0, -1))
        }
        PadKey {
            Layout.row: 2
            Layout.column: 3
            Layout.rowSpan: 2
            Layout.fillWidth: true
            Layout.fillHeight: true
            text: pad.words.clear
            enabled: pad.value !== ""
            onClicked: pad.put("")
        }
    }
}
