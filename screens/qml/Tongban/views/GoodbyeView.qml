// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Rows 18 and 19. What is still in the machine; then: the data are gone.
Page {
    id: view

    required property ScreenModel screen
    readonly property GoodbyeModel model: screen.views.goodbye

    words: screen.words
    title: model.title
    lead: model.body
    mark: model.cleared ? "good" : model.tone === "neutral" || model.tone === "good" ? "" : model.tone
    hasPicture: !model.cleared
    split: 0.5
    bodySpacing: Theme.s2
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
        }
    ]
    actions: [
        ActionKey {
            width: parent.width
            visible: view.model.done !== ""
            primary: true
            text: view.model.done
            onClicked: view.screen.agree()
        }
    ]

    Repeater {
        model: view.model.belongings

        BelongingRow {}
    }
}
