// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Tongban

// From one month to another, by large plus and minus keys, with the two spans most people want as keys of their own.
// The two ends never cross and never lie farther apart than `maxMonths`: the one that was not touched follows.
//
// The pad changes `value` ("2025-12/2026-11" or "") and then says edited(value), as a text field does.
// words: year, month, from, to, {from,to}_{year,month}_{plus,minus}, last_12_months, last_3_years,
//        months_in_all (its place: {months})
ColumnLayout {
    id: pad

    required property var words
    property string value: ""
    // "2026-11"; "" for none.
    property string minimum: ""
    property string maximum: ""
    // Months in all, both ends counted; 0 for no limit.
    property int maxMonths: 0
    property string thisMonth: Qt.formatDate(new Date(), "yyyy-MM")

    // Months are counted from year 0.
    readonly property var ends: value === "" ? [] : value.split("/").map(number)
    readonly property int months: ends.length === 2 ? ends[1] - ends[0] + 1 : 0
    readonly property int lowest: minimum === "" ? 0 : number(minimum)
    readonly property int highest: maximum === "" ? 12 * 9999 + 11 : number(maximum)
    readonly property int latest: Math.max(lowest, Math.min(number(thisMonth), highest))

    signal edited(string value)

    spacing: Theme.s3

    function number(month: string): int {
        const [year, inYear] = month.split("-").map(Number);
        return 12 * year + inYear - 1;
    }

    function iso(month: int): string {
        return String(Math.floor(month / 12)).padStart(4, "0") + "-" + String(month % 12 + 1).padStart(2, "0");
    }

    // One end (0 from, 1 to) after a step, kept inside the limits.
    function stepped(end: int, amount: int): int {
        return ends.length < 2 ? latest : Math.max(lowest, Math.min(ends[end] + amount, highest));
    }

    function canStep(end: int, amount: int): bool {
        if (ends.length < 2)
            return true;
        const next = stepped(end, amount);
        return Math.abs(amount) === 12 ? Math.floor(next / 12) !== Math.floor(ends[end] / 12) : next !== ends[end];
    }

    function step(end: int, amount: int): void {
        const next = stepped(end, amount);
        if (ends.length < 2) {
            put(next, next);
            return;
        }
        const span = maxMonths > 0 ? maxMonths - 1 : highest;
        if (end === 0)
            put(next, Math.max(next, Math.min(ends[1], next + span)));
        else
            put(Math.min(next, Math.max(ends[0], next - span)), next);
    }

    function put(from: int, to: int): void {
        const next = iso(from) + "/" + iso(to);
        if (next === value)
            return;
        value = next;
        edited(next);
    }

    function shown(end: int, part: string): string {
        if (ends.length < 2)
            return "–";
        return part === "year" ? String(Math.floor(ends[end] / 12)) : String(ends[end] % 12 + 1).padStart(2, "0");
    }

    RowLayout {
        Layout.fillWidth: true
        spacing: Theme.s4
        uniformCellSizes: true

        Repeater {
            model: ["from", "to"]

            ColumnLayout {
                id: side

                required property int index
                required property string modelData

                spacing: Theme.s1

                Text {
                    Layout.fillWidth: true
                    text: pad.words[side.modelData]
                    textFormat: Text.PlainText
                    horizontalAlignment: Text.AlignHCenter
                    font.family: Theme.family
                    font.pixelSize: Theme.lead
                    font.bold: true
                    color: Theme.ink
                }
                RowLayout {
                    Layout.fillWidth: true
                    spacing: Theme.s2
                    uniformCellSizes: true

                    Repeater {
                        model: ["year", "month"]

                        StepColumn {
                            required property string modelData
                            readonly property int size: modelData === "year" ? 12 : 1
                            readonly property string key: side.modelData + "_" + modelData

                            Layout.fillWidth: true
                            label: pad.words[modelData]
                            shown: pad.shown(side.index, modelData)
                            plusName: pad.words[key + "_plus"]
                            minusName: pad.words[key + "_minus"]
                            canPlus: pad.canStep(side.index, size)
                            canMinus: pad.canStep(side.index, -size)
                            onPlus: pad.step(side.index, size)
                            onMinus: pad.step(side.index, -size)
                        }
                    }
                }
            }
        }
    }
    GridLayout {
        Layout.fillWidth: true
        columns: Theme.elder ? 2 : 3
        columnSpacing: Theme.s2
        rowSpacing: Theme.s2

        Repeater {
            model: [
                {
                    "word": "last_12_months",
                    "months": 12
                },
                {
                    "word": "last_3_years",
                    "months": 36
                }
            ]

            PadKey {
                required property var modelData
                readonly property int from: pad.latest - modelData.months + 1

                visible: from >= pad.lowest && (pad.maxMonths === 0 || modelData.months <= pad.maxMonths)
                text: pad.words[modelData.word]
                onClicked: pad.put(from, pad.latest)
            }
        }
        Text {
            Layout.fillWidth: true
            Layout.columnSpan: Theme.elder ? 2 : 1
            horizontalAlignment: Text.AlignRight
            text: pad.months > 0 ? pad.words.months_in_all.replace("{months}", pad.months) : ""
            textFormat: Text.PlainText
            font.family: Theme.family
            font.pixelSize: Theme.body
            color: Theme.inkSoft
        }
    }
}
