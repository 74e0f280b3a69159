// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// One grade: a face and its word.
Press {
    id: key

    required property OptionItem item
    property bool chosen: false
    property bool asRow: false

    implicitHeight: asRow ? Theme.px(148) : Theme.px(300)
    text: item.title
    ground: chosen ? Theme.accentSoft : Theme.surface
    rim: chosen ? Theme.accent : Theme.edge
    rimWidth: chosen ? Theme.px(5) : Theme.hair

    Accessible.role: Accessible.RadioButton
    Accessible.checkable: true
    Accessible.checked: chosen

    contentItem: Item {
        FaceMark {
            x: key.asRow ? Theme.s4 : (parent.width - width) / 2
            y: key.asRow ? (parent.height - height) / 2 : Theme.s4
            grade: key.item.key
            size: key.asRow ? Theme.px(96) : Theme.px(116)
            color: key.chosen ? Theme.accent : Theme.ink
        }
        Text {
            x: key.asRow ? Theme.px(164) : Theme.s1
            y: key.asRow ? (parent.height - height) / 2 : Theme.px(116) + Theme.s4 + Theme.s2 + (parent.height - Theme.px(116) - Theme.s4 - Theme.s2 - height) / 2
            width: parent.width - x - Theme.s1
            horizontalAlignment: key.asRow ? Text.AlignLeft : Text.AlignHCenter
            text: key.item.title
            textFormat: Text.PlainText
            wrapMode: Text.Wrap
            color: Theme.ink
            font.family: Theme.family
            font.pixelSize: Theme.label
            font.weight: key.chosen ? Font.Bold : Font.Normal
            Accessible.ignored: true
        }
    }
}
