// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Tongban
import Tongban.Models

// Rows 1 and 2, and plain questions.
Page {
    id: view

    required property ScreenModel screen
    readonly property ChoiceModel model: screen.views.choice
    readonly property bool twoColumns: Theme.landscape && !Theme.elder && model.options.count > 4

    words: screen.words
    title: model.title
    lead: model.lead
    split: twoColumns ? 0.28 : 0.34

    SearchField {
        width: parent.width
        visible: view.model.searchable
        words: view.screen.words
        query: view.model.query
        onEdited: text => {
            view.model.query = text;
            view.screen.submit({
                "query": text
            }, false);
        }
        onAccepted: view.screen.submit({
            "query": view.model.query
        }, true)
    }

    GridLayout {
        id: options

        width: parent.width
        columns: view.twoColumns ? 2 : 1
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
