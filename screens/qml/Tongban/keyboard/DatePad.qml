// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Tongban

// A day, by large plus and minus keys for year, month and day. A step never leaves [minimum, maximum]: it stops at the
// border when that still changes the year (month, day) asked for, otherwise its key is off. With nothing chosen yet,
// the first touch starts at today.
//
// The pad changes `value` ("2026-11-21" or "") and then says edited(value), as a text field does.
// words: year, month, day, year_plus, year_minus, month_plus, month_minus, day_plus, day_minus, today
ColumnLayout {
    id: pad

    required property var words
    property string value: ""
    // "" for none.
    property string minimum: ""
    property string maximum: ""
    property string today: Qt.formatDate(new Date(), "yyyy-MM-dd")

    readonly property var parts: value === "" ? ["–", "–", "–"] : value.split("-")

    signal edited(string value)

    spacing: Theme.s3

    function clamped(day: string): string {
        if (minimum !== "" && day < minimum)
            return minimum;
        return maximum !== "" && day > maximum ? maximum : day;
    }

    // The day after `amount` steps of one part (0 year, 1 month, 2 day); the 31st is the last day in shorter months.
    function stepped(part: int, amount: int): string {
        if (value === "")
            return clamped(today);
        const [year, month, day] = value.split("-").map(Number);
        if (part === 2)
            return clamped(iso(Date.UTC(year, month - 1, day + amount)));
        const first = new Date(Date.UTC(year + (part === 0 ? amount : 0), month - 1 + (part === 1 ? amount : 0), 1));
        const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
        return clamped(iso(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(day, last))));
    }

    function iso(time: real): string {
        return new Date(time).toISOString().slice(0, 10);
    }

    function canStep(part: int, amount: int): bool {
        return value === "" || stepped(part, amount).split("-")[part] !== value.split("-")[part];
    }

    function put(next: string): void {
        if (next === value)
            return;
        value = next;
        edited(next);
    }

    RowLayout {
        Layout.fillWidth: true
        spacing: Theme.s3
        uniformCellSizes: true

        Repeater {
            model: ["year", "month", "day"]

            StepColumn {
                required property int index
                required property string modelData

                Layout.fillWidth: true
                label: pad.words[modelData]
                shown: pad.parts[index]
                plusName: pad.words[modelData + "_plus"]
                minusName: pad.words[modelData + "_minus"]
                canPlus: pad.canStep(index, 1)
                canMinus: pad.canStep(index, -1)
                onPlus: pad.put(pad.stepped(index, 1))
                onMinus: pad.put(pad.stepped(index, -1))
            }
        }
    }
    PadKey {
        visible: pad.clamped(pad.today) === pad.today
        text: pad.words.today
        onClicked: pad.put(pad.today)
    }
}
