// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// How every view is laid out: what is asked first, then what it is about, the key for what comes next always lowest.
// Upright all is one below the other, a picture between question and words. Lying, question and keys stand at the left;
// at the right the picture, or else the words.
Item {
    id: page

    property string title: ""
    property string lead: ""
    property bool leadMatters: false // it says what to do
    property string mark: "" // a tone, drawn before the title
    property string markWord: ""
    property bool hasPicture: false
    property bool pictureOptional: false // gives way where the words need the room
    property real pictureWanted: 0 // height upright; 0: whatever is free
    property bool lowBody: hasPicture // what it is about stands low, next to the keys
    property real split: 0.34 // the left part when lying
    property real bodySpacing: Theme.s3
    required property ControlWords words

    property alias picture: pictureSlot.data
    default property alias content: body.data
    property alias actions: keys.data

    readonly property bool lying: Theme.landscape
    readonly property bool tight: lying && height < Theme.px(480) // the keyboard is up: its own key comes next
    readonly property bool wordsRight: lying && !hasPicture
    readonly property real leftWidth: lying ? Math.round(width * split) : width
    readonly property real rightX: lying ? leftWidth + Theme.px(80) : 0
    readonly property real rightWidth: width - rightX
    readonly property real keysHeight: keys.visible && keys.visibleChildren.length > 0 ? keys.height + Theme.s4 : 0
    readonly property real bodyWanted: body.visibleChildren.length > 0 ? body.height : 0
    readonly property real headHeight: head.height + (head.height > 0 ? Theme.s5 : 0)
    readonly property real pictureRoom: lying ? height : height - headHeight - keysHeight - (bodyWanted > 0 ? bodyWanted + Theme.s5 : 0)
    readonly property bool pictureShown: hasPicture && (pictureRoom >= Theme.px(360) || !pictureOptional)
    readonly property real pictureHeight: lying || pictureWanted === 0 ? Math.max(Theme.px(300), pictureRoom) : Math.min(pictureWanted, pictureRoom)
    readonly property real bodyTop: wordsRight ? 0 : headHeight + (pictureShown && !lying ? pictureHeight + Theme.s5 : 0)
    readonly property real bodyRoom: Math.max(0, height - bodyTop - (wordsRight ? 0 : keysHeight))

    property Item revealed: null

    onHeightChanged: Qt.callLater(revealAgain)

    function revealAgain(): void {
        if (revealed)
            reveal(revealed);
    }

    // Brings what has the focus into sight.
    function reveal(item: Item): void {
        revealed = item;
        revealPart(item, 0, item.height);
    }

    // The line that is being written in a long text.
    function revealPart(item: Item, from: real, length: real): void {
        const top = item.mapToItem(body, 0, from).y;
        const bottom = top + length;
        if (bottom > scroll.contentY + scroll.roomHeight)
            scroll.contentY = Math.max(0, Math.min(top, bottom - scroll.roomHeight + Theme.s3));
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
        Title {
            width: parent.width
            text: page.title
        }
        Prose {
            width: parent.width
            visible: text !== "" && !page.tight
            text: page.lead
            font.pixelSize: page.leadMatters ? Theme.letter(38) : Theme.lead
            color: page.leadMatters ? Theme.ink : Theme.inkSoft
        }
    }

    Item {
        id: pictureSlot

        x: page.rightX
        y: page.lying ? 0 : page.headHeight
        width: page.rightWidth
        height: page.pictureHeight
        visible: page.pictureShown
    }

    Scroll {
        id: scroll

        words: page.words
        hasKeys: !page.tight
        x: page.wordsRight ? page.rightX : 0
        y: page.lowBody ? page.height - page.keysHeight - height : page.bodyTop
        width: page.wordsRight ? page.rightWidth : page.leftWidth
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

        visible: !page.tight
        anchors.bottom: parent.bottom
        width: page.leftWidth
        spacing: Theme.s3
    }
}
