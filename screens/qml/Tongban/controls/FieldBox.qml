// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// One open field: its name, a hint, the control its kind asks for, and what would be right.
Column {
    id: box

    required property FieldItem item
    required property int index
    required property ControlWords words
    property bool open: false // its pad, where it has one
    property bool opens: index === 0 // asks for its pad as soon as it is there
    readonly property bool wrong: item.error !== ""

    signal settled // a choice was made: the core may show other fields
    signal focused
    signal written(part: Item, from: real, length: real) // the line being written

    Component.onCompleted: {
        if (opens && item.kind === "digits")
            focused();
    }

    function settle(value: string): void {
        item.draft = value;
        settled();
    }

    width: parent ? parent.width : implicitWidth
    spacing: Theme.s2

    Row {
        width: parent.width
        spacing: Theme.s2

        Prose {
            id: label

            width: Math.min(implicitWidth, box.width - (mark.visible ? mark.width + Theme.s2 : 0))
            text: box.item.label
            bold: true
            font.pixelSize: Theme.letter(34)
        }
        Prose {
            id: mark

            anchors.baseline: label.baseline
            visible: text !== ""
            text: box.item.mark
            font.pixelSize: Theme.small
            color: Theme.inkSoft
        }
    }
    Prose {
        width: parent.width
        visible: text !== ""
        text: box.item.hint
        font.pixelSize: Theme.small
        color: Theme.inkSoft
    }
    Loader {
        id: control

        width: parent.width
        sourceComponent: box.item.kind === "long_text" ? longText : box.item.kind === "choice" || box.item.kind === "multi_choice" ? choice : box.item.kind === "yes_no" ? yesNo : box.item.kind === "digits" ? digits : box.item.kind === "date" ? date : box.item.kind === "month_range" ? months : line
    }
    Row {
        width: parent.width
        visible: box.wrong
        spacing: Theme.s1

        ToneMark {
            id: shape

            tone: "sorry"
            size: Theme.letter(40)
        }
        Prose {
            width: parent.width - shape.width - Theme.s1
            text: box.item.error
            font.pixelSize: Theme.label
            color: Theme.sorry
        }
    }

    Component {
        id: line

        TextEntry {
            name: box.item.label
            wrong: box.wrong
            text: box.item.draft
            maximumLength: box.item.maxLength > 0 ? box.item.maxLength : 32767
            onTextEdited: box.item.draft = text
            onActiveFocusChanged: {
                if (activeFocus)
                    box.focused();
            }
        }
    }
    Component {
        id: longText

        LongTextEntry {
            name: box.item.label
            wrong: box.wrong
            most: box.item.maxLength
            text: box.item.draft
            onEdited: text => box.item.draft = text
            onWritten: (from, length) => box.written(field, from, length)
            field.onActiveFocusChanged: {
                if (field.activeFocus)
                    box.focused();
            }
        }
    }
    Component {
        id: choice

        ChoiceEntry {
            options: box.item.options
            many: box.item.kind === "multi_choice"
            value: box.item.draft
            onEdited: value => box.settle(value)
        }
    }
    Component {
        id: yesNo

        YesNoEntry {
            words: box.words
            value: box.item.draft
            onEdited: value => box.settle(value)
        }
    }
    Component {
        id: digits

        DigitsEntry {
            words: box.words
            name: box.item.label
            wrong: box.wrong
            most: box.item.maxLength
            value: box.item.draft
            secret: box.item.secret
            open: box.open
            onEdited: value => box.item.draft = value
            onAsked: box.focused()
        }
    }
    Component {
        id: date

        DatePad {
            id: datePad

            words: box.words.keyboard
            minimum: box.item.minimum
            maximum: box.item.maximum
            onEdited: value => box.item.draft = value

            Binding {
                target: datePad
                property: "value"
                value: box.item.draft
            }
        }
    }
    Component {
        id: months

        MonthRangePad {
            id: monthsPad

            words: box.words.keyboard
            minimum: box.item.minimum
            maximum: box.item.maximum
            onEdited: value => box.item.draft = value

            Binding {
                target: monthsPad
                property: "value"
                value: box.item.draft
            }
        }
    }
}
