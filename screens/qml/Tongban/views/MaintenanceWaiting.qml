// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// What residents see while somebody works on the machine: until when, and where else.
Page {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance

    words: screen.words
    title: model.title
    lead: model.lead
    mark: model.tone
    leadMatters: true
    split: 0.4
    bodySpacing: Theme.s4

    Column {
        width: parent.width
        visible: view.model.elsewhere.count > 0
        spacing: Theme.s1

        Prose {
            width: parent.width
            text: view.model.elsewhereLabel
            bold: true
            font.pixelSize: Theme.letter(34)
        }
        FactRows {
            facts: view.model.elsewhere
            labelShare: 0.4
        }
    }
}
