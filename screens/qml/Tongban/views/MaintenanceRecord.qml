// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Tongban
import Tongban.Models

// Something is typed: order and PIN, or into a record. What went wrong last time takes the place of what to do.
Page {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance

    property string current: "" // the field whose pad is open

    words: screen.words
    title: model.title
    lead: model.lead
    mark: model.tone === "neutral" ? "" : model.tone
    leadMatters: true
    split: model.fields.count > 1 ? 0.3 : 0.4
    bodySpacing: Theme.s4
    actions: [
        ActionKey {
            width: parent.width
            primary: true
            text: view.model.submit
            onClicked: view.screen.submit(view.model.values(), true)
        }
    ]

    // Lying, number and PIN stand side by side: each with room for its pad.
    GridLayout {
        width: parent.width
        columns: Theme.landscape && !Theme.elder && view.model.page === "sign_on" ? view.model.fields.count : 1
        columnSpacing: Theme.s4
        rowSpacing: Theme.s4
        uniformCellWidths: true

        Repeater {
            model: view.model.fields

            FieldBox {
                id: box

                Layout.fillWidth: true
                Layout.alignment: Qt.AlignTop
                words: view.screen.words
                opens: item.key === view.model.firstField
                open: view.current === item.key
                onWritten: (part, from, length) => view.revealPart(part, from, length)
                onFocused: {
                    view.current = item.key;
                    view.reveal(box);
                }
            }
        }
    }
}
