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
    mark: model.cleared || model.tone === "neutral" || model.tone === "good" ? "" : model.tone
    leadMatters: true
    hasPicture: true
    split: 0.5
    bodySpacing: Theme.s2
    picture: [
        MachineOutline {
            anchors.fill: parent
            visible: !view.model.cleared
            slot: view.model.slot
            name: view.screen.words.machine
            outward: true
        },
        ToneMark {
            anchors.centerIn: parent
            visible: view.model.cleared
            tone: "good"
            size: Math.min(parent.width, parent.height) * 0.36
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
