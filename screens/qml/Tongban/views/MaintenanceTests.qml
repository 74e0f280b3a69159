// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Something runs: self-tests one after the other, a burn-in, a dry run.
Page {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance

    // What runs now comes into sight by itself.
    function showRunning(): void {
        const row = rows.itemAt(model.running);
        if (row)
            reveal(row);
    }

    words: screen.words
    title: model.title
    lead: model.lead
    leadMatters: true
    hasPicture: model.stages.count === 0
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
            name: view.screen.words.machine
        }
    ]
    split: 0.36
    bodySpacing: 0
    actions: [
        OptionRows {
            options: view.model.options
            onChosen: key => view.screen.choose(key)
        }
    ]

    Component.onCompleted: Qt.callLater(showRunning)

    Connections {
        target: view.model

        function onChanged(): void {
            Qt.callLater(view.showRunning);
        }
    }
    Repeater {
        id: rows

        model: view.model.stages

        StageRow {
            dense: view.model.stages.count > 6
            last: index === view.model.stages.count - 1
        }
    }
}
