// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// Row 4. Something is to be done at the machine, which itself ends the wait.
Page {
    id: view

    required property ScreenModel screen
    readonly property PromptModel model: screen.views.prompt

    words: screen.words
    title: model.title
    lead: model.body
    leadMatters: true
    hasPicture: true
    split: 0.5
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
            name: view.screen.words.machine
        }
    ]

    Notice {
        tone: view.model.tone
        words: view.model.tries
    }
    OptionRows {
        options: view.model.options
        onChosen: key => view.screen.choose(key)
    }
}
