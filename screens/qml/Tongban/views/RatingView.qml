// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Row 17. Five faces with words; reasons where the grade is low; free to skip.
Page {
    id: view

    required property ScreenModel screen
    readonly property RatingModel model: screen.views.rating
    property string grade: ""
    property string reasons: ""
    readonly property bool low: grade === "1" || grade === "2"
    readonly property bool asList: Theme.elder

    words: screen.words
    title: model.title
    lead: model.lead
    split: 0.3
    bodySpacing: Theme.s5
    actions: [
        ActionKey {
            width: parent.width
            primary: true
            off: view.grade === ""
            text: view.model.submit
            onClicked: view.screen.submit({
                "grade": view.grade,
                "reasons": view.low ? view.reasons : ""
            }, true)
        },
        ActionKey {
            width: parent.width
            text: view.model.skip
            onClicked: view.screen.decline()
        }
    ]

    Grid {
        id: faces

        width: parent.width
        columns: view.asList ? 1 : 5
        spacing: Theme.s2

        Repeater {
            model: view.model.grades

            FaceKey {
                width: (faces.width - (faces.columns - 1) * faces.spacing) / faces.columns
                asRow: view.asList
                chosen: view.grade === item.key
                onClicked: view.grade = item.key
            }
        }
    }

    Column {
        width: parent.width
        visible: view.low && view.model.reasons.count > 0
        spacing: Theme.s3

        Prose {
            width: parent.width
            text: view.model.why
            bold: true
            font.pixelSize: Theme.letter(34)
        }
        ChoiceEntry {
            width: parent.width
            options: view.model.reasons
            many: true
            value: view.reasons
            onEdited: value => view.reasons = value
        }
    }
}
