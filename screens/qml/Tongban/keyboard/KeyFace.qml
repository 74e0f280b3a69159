// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard.Styles
import Tongban

// The face of every key of the on-screen keyboard: a paper card with ink on it. Only the key that ends typing is filled
// with the accent (`ends`). Keys with a word are set smaller than keys with one sign.
KeyPanel {
    id: face

    property bool ends: false
    readonly property string shown: {
        if (!control)
            return "";
        const text = control.displayText;
        return control.uppercased && text.length === 1 ? text.toUpperCase() : text;
    }
    readonly property bool word: shown.length > 1
    readonly property bool down: control !== null && control.pressed

    Accessible.role: Accessible.Button
    Accessible.name: shown
    Accessible.ignored: shown === ""

    Rectangle {
        anchors.fill: parent
        anchors.margins: KeyboardLook.gap / 2
        visible: face.shown !== ""
        radius: Theme.radiusSmall
        border.width: face.ends ? 0 : Theme.hair
        border.color: Theme.edge
        color: {
            if (face.ends)
                return face.down ? Theme.accentPressed : Theme.accent;
            if (face.down)
                return Theme.pressed;
            return face.control && face.control.functionKey ? Theme.sunken : Theme.surface;
        }

        Text {
            anchors.fill: parent
            anchors.leftMargin: Theme.s1
            anchors.rightMargin: Theme.s1
            horizontalAlignment: Text.AlignHCenter
            verticalAlignment: Text.AlignVCenter
            text: face.shown
            textFormat: Text.PlainText
            font.family: Theme.family
            font.pixelSize: face.word ? KeyboardLook.wordSize : KeyboardLook.letterSize
            font.bold: face.ends
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Theme.px(22)
            maximumLineCount: 1
            color: face.ends ? Theme.inkOnAccent : Theme.ink
            Accessible.ignored: true
        }
    }
}
