// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban

// Words to be read. A screen reader hears each of them.
Text {
    id: prose

    property bool bold: false
    property bool isTitle: false

    textFormat: Text.PlainText
    wrapMode: Text.Wrap
    color: Theme.ink
    font.family: Theme.family
    font.pixelSize: Theme.body
    font.weight: bold ? Font.Bold : Font.Normal
    lineHeight: Theme.lineHeight

    Accessible.role: isTitle ? Accessible.Heading : Accessible.StaticText
    Accessible.name: text
    Accessible.ignored: text === ""
}
