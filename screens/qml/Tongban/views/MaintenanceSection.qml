// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// One section in full.
Page {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance

    words: screen.words
    title: model.title
    lead: model.lead
    split: 0.28
    bodySpacing: 0

    Repeater {
        model: view.model.sections

        Column {
            id: section

            required property ServiceSection item

            width: parent ? parent.width : 0

            Prose {
                width: parent.width
                visible: section.item.rows.count === 0
                text: section.item.word
                font.pixelSize: Theme.lead
            }
            Repeater {
                model: section.item.rows

                ServiceLine {
                    width: section.width
                    full: true
                    onChosen: key => view.screen.choose(key)
                }
            }
        }
    }
}
