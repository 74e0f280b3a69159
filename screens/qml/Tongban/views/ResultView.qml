// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// The end of a service in words.
Page {
    id: view

    required property ScreenModel screen
    readonly property ResultModel model: screen.views.result

    words: screen.words
    title: model.title
    mark: model.tone
    markWord: model.toneWord
    split: 0.4
    bodySpacing: Theme.s3
    actions: [
        OptionRows {
            options: view.model.options
            onChosen: key => view.screen.choose(key)
        },
        ActionKey {
            width: parent.width
            primary: true
            text: view.model.done
            onClicked: view.screen.agree()
        }
    ]

    Repeater {
        model: view.model.body

        Prose {
            required property LineItem item

            width: parent ? parent.width : 0
            text: item.words
            font.pixelSize: Theme.letter(38)
            lineHeight: 1.2
        }
    }
    FactRows {
        facts: view.model.facts
        labelShare: 0.26
        prominent: view.model.tone === "good" || view.model.tone === "taken_in"
    }
}
