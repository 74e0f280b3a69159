// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Tongban
import Tongban.Models

// A guided repair: a drawing of where, the step that is due, and what stands before and after it.
Page {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance

    words: screen.words
    title: model.title
    lead: model.lead
    leadMatters: true
    hasPicture: true
    lowBody: true
    split: 0.6
    bodySpacing: 0
    picture: [
        RepairPicture {
            anchors.fill: parent
            name: view.model.picture
        }
    ]
    actions: [
        GridLayout {
            width: parent.width
            columns: view.model.options.count
            columnSpacing: Theme.s2
            uniformCellWidths: true

            Repeater {
                model: view.model.options

                ActionKey {
                    required property OptionItem item
                    required property int index

                    Layout.fillWidth: true
                    Layout.fillHeight: true
                    primary: index === 0 && view.model.options.count > 1
                    text: item.title
                    onClicked: view.screen.choose(item.key)
                }
            }
        }
    ]

    // The step that is due comes into sight by itself.
    Component.onCompleted: Qt.callLater(() => {
        const row = rows.itemAt(view.model.running);
        if (row)
            view.reveal(row);
    })

    Repeater {
        id: rows

        model: view.model.stages

        StageRow {
            dense: true
            last: index === view.model.stages.count - 1
        }
    }
}
