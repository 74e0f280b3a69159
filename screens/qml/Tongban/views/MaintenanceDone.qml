// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// How something ended, in words.
Page {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance

    words: screen.words
    title: model.title
    mark: model.tone
    markWord: model.toneWord
    lead: model.lead
    leadMatters: true
    hasPicture: true
    split: 0.4
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
            name: view.screen.words.machine
        }
    ]
    actions: [
        Repeater {
            model: view.model.options

            ActionKey {
                required property OptionItem item

                width: parent ? parent.width : 0
                primary: true
                text: item.title
                onClicked: view.screen.choose(item.key)
            }
        }
    ]
}
