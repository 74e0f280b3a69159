// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban

// A heading whose lines are of about one length: no single character is left over on the last.
Item {
    id: title

    property string text: ""
    property int letterSize: Theme.title

    readonly property bool wide: text !== "" && text.charCodeAt(0) >= 0x2e80 // Chinese breaks anywhere, English between words
    readonly property int lines: Math.max(1, Math.ceil(metrics.advanceWidth / Math.max(1, width)))
    readonly property real slack: letterSize * (wide ? 1.1 : 2.6)

    implicitHeight: words.height
    visible: text !== ""

    TextMetrics {
        id: metrics

        font: words.font
        text: title.text
    }
    Prose {
        id: words

        width: title.lines === 1 ? title.width : Math.min(title.width, Math.ceil(metrics.advanceWidth / title.lines + title.slack))
        text: title.text
        isTitle: true
        bold: true
        font.pixelSize: title.letterSize
        lineHeight: 0.95
    }
}
