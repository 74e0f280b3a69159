// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// Row 15. Paper on its way, waiting to be taken, or stuck.
Page {
    id: view

    required property ScreenModel screen
    readonly property DocumentModel model: screen.views.document

    words: screen.words
    title: model.title
    lead: model.body
    mark: model.tone === "attention" || model.tone === "sorry" ? model.tone : ""
    leadMatters: true
    hasPicture: true
    split: 0.5
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
            stopped: view.mark !== ""
            name: view.screen.words.machine
        }
    ]
    actions: [
        ActionKey {
            width: parent.width
            visible: view.model.ready && view.model.done !== ""
            primary: true
            text: view.model.done
            onClicked: view.screen.agree()
        }
    ]

    Prose {
        width: parent.width
        visible: text !== ""
        text: view.model.count
        horizontalAlignment: Theme.landscape ? Text.AlignLeft : Text.AlignHCenter
        bold: true
        font.pixelSize: Theme.heading
    }
    OptionRows {
        options: view.model.options
        onChosen: key => view.screen.choose(key)
    }
}
