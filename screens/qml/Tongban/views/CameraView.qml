// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// Row 5. The live picture, mirrored, on a white ground that lights the face.
Page {
    id: view

    required property ScreenModel screen
    readonly property CameraModel model: screen.views.camera

    words: screen.words
    title: model.title
    hasPicture: true
    pictureWanted: leftWidth
    lowBody: false
    split: 0.44
    picture: [
        CameraPicture {
            anchors.fill: parent
            source: view.screen.camera.source
            still: view.model.busy
        }
    ]
    actions: [
        OptionRows {
            options: view.model.options
            onChosen: key => view.screen.choose(key)
        }
    ]

    Row {
        width: parent.width
        spacing: Theme.s3

        ToneMark {
            id: mark

            tone: view.model.tone
            size: Theme.letter(64)
        }
        Prose {
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - mark.width - Theme.s3
            text: view.model.hint
            bold: true
            font.pixelSize: Theme.letter(44)
        }
    }
}
