// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// Where a word, or the first letters of its pinyin, is looked for.
Column {
    id: search

    required property ControlWords words
    property string query: ""

    signal edited(text: string)
    signal accepted

    spacing: Theme.s1

    TextEntry {
        id: field

        width: parent.width
        name: search.words.search
        placeholderText: search.words.searchHint
        text: search.query
        leftPadding: Theme.s3 + Theme.icon + Theme.s2
        rightPadding: clear.visible ? clear.width + Theme.s2 : Theme.s3
        onTextEdited: search.edited(text)
        // Pinyin letters not yet turned into signs are what the initials are looked up by.
        onPreeditTextChanged: {
            if (preeditText !== "")
                search.edited(text + preeditText.replace(/[' ]/g, ""));
        }
        onAccepted: search.accepted()
        Component.onCompleted: {
            if (search.query !== "")
                forceActiveFocus();
        }

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            x: Theme.s3
            name: "search"
            color: Theme.inkSoft
        }
        ActionKey {
            id: clear

            anchors.right: parent.right
            height: parent.height
            visible: field.text !== ""
            text: search.words.clear
            ground: "transparent"
            rim: "transparent"
            onClicked: {
                field.clear();
                search.edited("");
            }
        }
    }
}
