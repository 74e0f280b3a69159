// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Whose machine this is, and the place in the flow, in words and as a line.
Item {
    id: top

    required property FrameModel frame
    property string placeName: ""
    property string beneath: "" // goes on in a line of its own where there is room for one

    implicitHeight: Theme.px(Theme.landscape ? 96 : 128)

    Row {
        anchors.verticalCenter: parent.verticalCenter
        x: Theme.margin
        spacing: Theme.s2

        BrandMark {
            anchors.verticalCenter: parent.verticalCenter
            size: Theme.px(56)
        }
        Prose {
            anchors.verticalCenter: parent.verticalCenter
            text: top.frame.product
            bold: true
            font.pixelSize: Theme.px(36)
            wrapMode: Text.NoWrap
        }
    }

    Prose {
        anchors.verticalCenter: parent.verticalCenter
        x: parent.width - width - Theme.margin
        width: Math.min(implicitWidth, parent.width * 0.66)
        text: top.frame.place !== "" ? top.frame.place : top.beneath === "" ? top.placeName : top.placeName + (Theme.landscape ? " · " : "\n") + top.beneath
        horizontalAlignment: Text.AlignRight
        font.pixelSize: top.beneath === "" ? Theme.letter(30) : Theme.px(30)
        color: Theme.inkSoft
    }

    Row {
        id: steps

        anchors.bottom: parent.bottom
        x: Theme.margin
        visible: top.frame.steps > 0
        spacing: Theme.px(6)

        Repeater {
            model: top.frame.steps

            Rectangle {
                required property int index

                width: (top.width - 2 * Theme.margin - (top.frame.steps - 1) * steps.spacing) / top.frame.steps
                height: Theme.px(6)
                radius: height / 2
                color: index < top.frame.step - 1 ? Theme.ink : index === top.frame.step - 1 ? Theme.accent : Theme.hairline
            }
        }
    }

    Rectangle {
        anchors.bottom: parent.bottom
        x: Theme.margin
        width: parent.width - 2 * Theme.margin
        height: Theme.hair
        visible: !steps.visible
        color: Theme.hairline
    }
}
