// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// What happened, what it means, what to do, one number to quote.
Page {
    id: view

    required property ScreenModel screen
    readonly property FaultModel model: screen.views.fault

    words: screen.words
    title: model.title
    lead: model.happened
    mark: "sorry"
    leadMatters: true
    hasPicture: model.slot !== "none" && !Theme.landscape
    pictureOptional: true
    lowBody: pictureShown
    split: 0.4
    bodySpacing: Theme.s4
    picture: [
        MachineOutline {
            anchors.fill: parent
            slot: view.model.slot
            stopped: true
            name: view.screen.words.machine
        }
    ]
    actions: [
        OptionRows {
            options: view.model.options
            onChosen: key => view.screen.choose(key)
        }
    ]

    Column {
        width: parent.width
        spacing: Theme.s1

        Prose {
            width: parent.width
            text: view.model.meansLabel
            font.pixelSize: Theme.label
            color: Theme.inkSoft
        }
        Prose {
            width: parent.width
            text: view.model.means
            font.pixelSize: Theme.letter(38)
        }
    }
    Column {
        width: parent.width
        spacing: Theme.s1

        Prose {
            width: parent.width
            text: view.model.doLabel
            font.pixelSize: Theme.label
            color: Theme.inkSoft
        }
        Prose {
            width: parent.width
            text: view.model.what
            font.pixelSize: Theme.letter(38)
            bold: true
        }
    }
    Rectangle {
        width: parent.width
        height: quote.height + 2 * Theme.s3
        visible: view.model.number !== ""
        radius: Theme.radius
        color: Theme.sunken

        Row {
            id: quote

            x: Theme.s3
            y: Theme.s3
            width: parent.width - 2 * Theme.s3
            spacing: Theme.s3

            Prose {
                id: quoteLabel

                anchors.verticalCenter: parent.verticalCenter
                width: Math.min(implicitWidth, quote.width * 0.5)
                text: view.model.numberLabel
                font.pixelSize: Theme.label
                color: Theme.inkSoft
            }
            Prose {
                anchors.verticalCenter: parent.verticalCenter
                width: quote.width - quoteLabel.width - quote.spacing
                text: view.model.number
                bold: true
                font.pixelSize: Theme.heading
            }
        }
    }
}
