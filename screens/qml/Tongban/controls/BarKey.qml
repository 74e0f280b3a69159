// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One of the keys that never move. Where it does not work now its place stays empty.
Press {
    id: key

    required property BarKeyModel item
    property string drawing: ""
    property bool segment: false

    visible: item.shown
    text: item.label
    Accessible.checkable: segment
    Accessible.checked: item.chosen
    ground: segment && item.chosen ? Theme.ink : "transparent"
    groundDown: segment && item.chosen ? Theme.ink : Theme.pressed
    rim: "transparent"
    corner: Theme.radiusSmall

    readonly property color letters: segment && item.chosen ? Theme.surface : Theme.ink

    contentItem: Item {
        Grid {
            anchors.centerIn: parent
            columns: Theme.landscape ? 2 : 1
            columnSpacing: Theme.s2
            rowSpacing: Theme.px(2)
            horizontalItemAlignment: Grid.AlignHCenter
            verticalItemAlignment: Grid.AlignVCenter

            Icon {
                visible: key.drawing !== ""
                name: key.drawing
                color: key.letters
                size: Theme.px(Theme.elder ? 52 : 44)
            }
            Text {
                text: key.text
                textFormat: Text.PlainText
                color: key.letters
                font.family: Theme.family
                font.pixelSize: key.segment ? Theme.px(Theme.elder ? 34 : 28) : Theme.letter(28)
                font.weight: key.segment && key.item.chosen ? Font.Bold : Font.Normal
                Accessible.ignored: true
            }
        }
    }
}
