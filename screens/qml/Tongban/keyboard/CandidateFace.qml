// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard.Styles
import Tongban

// One suggested word. `candidate` is what a scripted player looks for.
SelectionListItem {
    id: item

    required property int index
    required property string display
    readonly property string candidate: display

    width: Math.max(Theme.target, words.implicitWidth + 2 * Theme.s3)

    Accessible.role: Accessible.Button
    Accessible.name: display

    Text {
        id: words

        anchors.centerIn: parent
        text: item.display
        textFormat: Text.PlainText
        font.family: Theme.family
        font.pixelSize: KeyboardLook.candidateSize
        color: Theme.ink
        Accessible.ignored: true
    }

    Rectangle {
        anchors.right: parent.right
        anchors.verticalCenter: parent.verticalCenter
        width: Theme.hair
        height: parent.height / 2
        color: Theme.hairline
    }
}
