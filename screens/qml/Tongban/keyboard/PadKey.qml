// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Templates as T
import Tongban

// One key of a pad. `text` is what is drawn; `label` is its name where a sign alone says too little.
T.AbstractButton {
    id: key

    property string label: text
    property int signSize: Theme.letter(48)

    implicitWidth: Math.max(Theme.target, face.implicitWidth + 2 * Theme.s3)
    implicitHeight: Theme.keyHeight
    focusPolicy: Qt.NoFocus // the field being filled keeps it

    Accessible.role: Accessible.Button
    Accessible.name: label

    background: Rectangle {
        radius: Theme.radiusSmall
        border.width: Theme.hair
        border.color: key.enabled ? Theme.edge : Theme.hairline
        color: key.pressed ? Theme.pressed : key.enabled ? Theme.surface : Theme.paper
    }

    contentItem: Text {
        id: face

        text: key.text
        textFormat: Text.PlainText
        horizontalAlignment: Text.AlignHCenter
        verticalAlignment: Text.AlignVCenter
        font.family: Theme.family
        font.pixelSize: key.text.length === 1 ? key.signSize : Theme.key
        color: key.enabled ? Theme.ink : Theme.edge
        Accessible.ignored: true
    }
}
