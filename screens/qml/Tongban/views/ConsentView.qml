// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// Row 5. What happens and why. Both keys have one size and one look: nobody is led.
Page {
    id: view

    required property ScreenModel screen
    readonly property ConsentModel model: screen.views.consent

    words: screen.words
    title: model.title
    hasPicture: model.slot !== "none"
    pictureOptional: true
    lowBody: pictureShown && !Theme.landscape
    split: 0.58
    bodySpacing: Theme.s3
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
            name: view.screen.words.machine
        }
    ]
    actions: [
        Row {
            id: keys

            width: parent.width
            spacing: Theme.s3

            readonly property real share: (width - spacing) / 2
            readonly property real tall: Math.max(no.implicitHeight, yes.implicitHeight, Theme.px(140))

            ActionKey {
                id: no

                width: keys.share
                height: keys.tall
                bold: true
                text: view.model.decline
                onClicked: view.screen.decline()
            }
            ActionKey {
                id: yes

                width: keys.share
                height: keys.tall
                bold: true
                text: view.model.agree
                onClicked: view.screen.agree()
            }
        }
    ]

    Repeater {
        model: view.model.paragraphs

        Prose {
            required property LineItem item

            width: parent ? parent.width : 0
            text: item.words
            font.pixelSize: Theme.letter(36)
            lineHeight: 1.2
        }
    }
}
