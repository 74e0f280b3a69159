// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Tongban
import Tongban.Models

// The technician is asked something, or asked to do something; or chooses among few or many.
Page {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance
    readonly property bool many: model.options.count > (Theme.landscape ? 4 : 6)
    readonly property bool asks: model.options.count <= 3 && model.lead !== ""

    words: screen.words
    title: model.title
    lead: model.lead
    leadMatters: true
    split: many ? 0.28 : 0.4
    hasPicture: asks
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
            name: view.screen.words.machine
        }
    ]

    GridLayout {
        width: parent.width
        columns: view.many && !Theme.elder ? 2 : 1
        columnSpacing: Theme.s3
        rowSpacing: Theme.s2
        uniformCellWidths: true

        Repeater {
            model: view.model.options

            OptionRow {
                Layout.fillWidth: true
                Layout.fillHeight: true
                onChosen: key => view.screen.choose(key)
            }
        }
    }
}
