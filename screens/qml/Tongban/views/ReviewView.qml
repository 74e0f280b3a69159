// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Row 11. Everything that will be sent.
Page {
    id: view

    required property ScreenModel screen
    readonly property ReviewModel model: screen.views.review

    words: screen.words
    title: model.title
    split: 0.32
    bodySpacing: 0
    actions: [
        Notice {
            tone: "neutral"
            words: view.model.promise
        },
        ActionKey {
            width: parent.width
            primary: true
            text: view.model.submit
            onClicked: view.screen.agree()
        }
    ]

    Repeater {
        model: view.model.rows

        ReviewLine {
            editWord: view.model.editWord
            onEditAsked: key => view.screen.choose(key)
        }
    }
}
