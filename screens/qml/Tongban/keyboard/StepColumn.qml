// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Layouts
import Tongban

// One number with a large key above it for more and one below it for less. Holding a key goes on.
ColumnLayout {
    id: column

    required property string label // "Year"
    required property string shown // "2026"; "–" when nothing is chosen yet
    required property string plusName
    required property string minusName
    property bool canPlus: true
    property bool canMinus: true

    signal plus
    signal minus

    spacing: 0

    PadKey {
        Layout.fillWidth: true
        text: "+"
        label: column.plusName
        signSize: Theme.title
        enabled: column.canPlus
        autoRepeat: true
        onClicked: column.plus()
    }
    Text {
        Layout.fillWidth: true
        Layout.topMargin: Theme.s1
        text: column.shown
        textFormat: Text.PlainText
        horizontalAlignment: Text.AlignHCenter
        font.family: Theme.family
        font.pixelSize: Theme.title
        fontSizeMode: Text.HorizontalFit
        minimumPixelSize: Theme.body
        color: Theme.ink
        Accessible.role: Accessible.StaticText
        Accessible.name: column.label + " " + column.shown
    }
    Text {
        Layout.fillWidth: true
        Layout.bottomMargin: Theme.s2
        text: column.label
        textFormat: Text.PlainText
        horizontalAlignment: Text.AlignHCenter
        font.family: Theme.family
        font.pixelSize: Theme.label
        color: Theme.inkSoft
        Accessible.ignored: true
    }
    PadKey {
        Layout.fillWidth: true
        text: "−"
        label: column.minusName
        signSize: Theme.title
        enabled: column.canMinus
        autoRepeat: true
        onClicked: column.minus()
    }
}
