// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// Row 3. What a service needs and gives; readable without identity.
Page {
    id: view

    required property ScreenModel screen
    readonly property GuideModel model: screen.views.guide

    words: screen.words
    title: model.title
    lead: model.lead
    split: 0.34
    actions: [
        ActionKey {
            width: parent.width
            primary: true
            text: view.model.start
            onClicked: view.screen.agree()
        }
    ]

    Notice {
        words: view.model.notice
    }
    FactRows {
        facts: view.model.facts
        labelShare: 0.24
        rowPadding: Theme.px(28)
    }
}
