// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// How every view is laid out: what is asked first, then a picture, then what it is about, the key for what comes next
// always lowest. Upright one below the other; lying, question and picture at the left, the rest at the right.
Item {
    id: page

    property string title: ""
    property string lead: ""
    property string mark: "" // a tone, drawn before the title
    property string markWord: ""
    property bool hasPicture: false
    property bool lowBody: hasPicture // what it is about stands low, next to the keys
    property real split: 0.4 // the left part when lying
    property real pictureShare: 0.5 // of the free height, upright
    property real bodySpacing: Theme.s3
    required property ControlWords words

    property alias picture: pictureSlot.data
    default property alias content: body.data
    property alias actions: keys.data

    readonly property bool lying: Theme.landscape
    readonly property real gap: lying ? Theme.px(72) : 0
    readonly property real leftWidth: lying ? Math.round(width * split) : width
    readonly property real rightX: lying ? leftWidth + gap : 0
    readonly property real rightWidth: width - rightX
    readonly property real keysHeight: keys.visibleChildren.length > 0 ? keys.height + Theme.s4 : 0
    readonly property real bodyWanted: body.visibleChildren.length > 0 ? body.height : 0
    readonly property real headHeight: head.height + (head.height > 0 ? Theme.s5 : 0)
    readonly property real freeHeight: height - (lying ? 0 : headHeight) - keysHeight
    readonly property real pictureHeight: lying ? height - headHeight : hasPicture ? Math.max(Theme.px(300), freeHeight - bodyWanted - Theme.s5) : 0
    readonly property real bodyRoom: freeHeight - (lying || !hasPicture ? 0 : Math.min(pictureHeight, freeHeight * pictureShare) + Theme.s5)

    // Brings what has the focus into sight.
    function reveal(item: Item): void {
        const top = item.mapToItem(body, 0, 0).y;
        const bottom = top + item.height;
        if (bottom > scroll.contentY + scroll.height)
            scroll.contentY = Math.max(0, Math.min(top, bottom - scroll.height + Theme.s3));
        if (top < scroll.contentY)
            scroll.contentY = top;
    }

    Column {
        id: head

        width: page.leftWidth
        spacing: Theme.s3

        Row {
            visible: page.mark !== ""
            spacing: Theme.s3

            ToneMark {
                id: toneMark

                tone: page.mark
                size: Theme.head(88)
            }
            Prose {
                anchors.verticalCenter: parent.verticalCenter
                visible: page.markWord !== ""
                text: page.markWord
                color: toneMark.color
                font.pixelSize: Theme.heading
                bold: true
            }
        }
        Prose {
            width: parent.width
            text: page.title
            isTitle: true
            bold: true
            font.pixelSize: Theme.title
            lineHeight: 0.95
        }
        Prose {
            width: parent.width
            visible: text !== ""
            text: page.lead
            font.pixelSize: Theme.lead
            color: Theme.inkSoft
        }
    }

    Item {
        id: pictureSlot

        y: page.headHeight
        width: page.leftWidth
        height: page.pictureHeight
        visible: page.hasPicture
    }

    Scroll {
        id: scroll

        words: page.words
        x: page.rightX
        y: page.lowBody ? page.height - page.keysHeight - height : page.lying ? 0 : page.headHeight
        width: page.rightWidth
        height: page.lowBody ? Math.min(page.bodyRoom, page.bodyWanted) : page.bodyRoom
        contentHeight: page.bodyWanted

        Column {
            id: body

            width: scroll.roomWidth
            spacing: page.bodySpacing
        }
    }

    Column {
        id: keys

        anchors.bottom: parent.bottom
        x: page.rightX
        width: page.rightWidth
        spacing: Theme.s3
    }
}
