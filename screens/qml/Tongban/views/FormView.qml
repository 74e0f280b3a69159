// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Row 7. What is known is folded; what is open is asked.
Page {
    id: view

    required property ScreenModel screen
    readonly property FormModel model: screen.views.form

    property string current: "" // the field whose pad is open

    function send(complete: bool): void {
        screen.submit(model.values(), complete);
    }

    // What has to be put right comes into sight by itself.
    function showFirstError(): void {
        for (let place = 0; place < boxes.count; ++place) {
            const box = boxes.itemAt(place) as FieldBox;
            if (box && box.wrong) {
                reveal(box);
                return;
            }
        }
    }

    Component.onCompleted: Qt.callLater(showFirstError)

    words: screen.words
    title: model.title
    lead: model.lead
    split: 0.32
    bodySpacing: Theme.s5
    actions: [
        OptionRows {
            options: view.model.options
            onChosen: key => view.screen.choose(key)
        },
        ActionKey {
            width: parent.width
            primary: true
            text: view.model.submit
            onClicked: view.send(true)
        }
    ]

    KnownFields {
        title: view.model.knownTitle
        known: view.model.known
    }

    Repeater {
        id: boxes

        model: view.model.fields

        FieldBox {
            id: box

            words: view.screen.words
            onWrongChanged: Qt.callLater(view.showFirstError)
            onSettled: view.send(false)
            open: view.current === item.key
            onWritten: (part, from, length) => view.revealPart(part, from, length)
            onFocused: {
                view.current = item.key;
                view.reveal(box);
            }
        }
    }
}
