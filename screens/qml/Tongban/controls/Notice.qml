// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban

// A sentence that should not be overlooked, with its shape.
Rectangle {
    id: notice

    property string tone: "attention"
    property string words: ""

    width: parent ? parent.width : implicitWidth
    implicitHeight: prose.height + 2 * Theme.s3
    visible: words !== ""
    radius: Theme.radius
    color: tone === "attention" ? Theme.attentionSoft : tone === "sorry" ? Theme.sorrySoft : Theme.sunken

    ToneMark {
        id: mark

        x: Theme.s3
        y: Theme.s3 + Math.round((Theme.label * 1.5 - height) / 2)
        tone: notice.tone
        size: Theme.letter(40)
    }
    Prose {
        id: prose

        x: mark.x + mark.width + Theme.s2
        y: Theme.s3
        width: parent.width - x - Theme.s3
        text: notice.words
        font.pixelSize: Theme.label
    }
}
