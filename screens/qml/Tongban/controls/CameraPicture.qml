// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban

// The camera's newest picture, mirrored, in a frame; four corners show where the face belongs.
Item {
    id: camera

    property string source: ""
    property bool still: false
    readonly property real side: Math.min(width, height)

    Rectangle {
        id: frame

        anchors.centerIn: parent
        width: camera.side
        height: camera.side
        color: Theme.light

        Image {
            id: picture

            anchors.fill: parent
            source: camera.source
            mirror: true
            cache: false
            asynchronous: false
            smooth: false
            fillMode: Image.PreserveAspectCrop
            opacity: camera.still ? 0.55 : 1
        }

        // Rounds the picture's corners.
        Rectangle {
            anchors.fill: parent
            anchors.margins: -Theme.px(12)
            radius: Theme.px(36)
            color: "transparent"
            border.width: Theme.px(14)
            border.color: Theme.light
        }
        Rectangle {
            anchors.fill: parent
            radius: Theme.px(24)
            color: "transparent"
            border.width: Theme.stroke
            border.color: Theme.edge
        }

        Repeater {
            model: 4

            Item {
                required property int index

                x: frame.width * (index % 2 === 0 ? 0.2 : 0.8) - width / 2
                y: frame.height * (index < 2 ? 0.12 : 0.86) - height / 2
                width: Theme.px(72)
                height: width
                rotation: index === 0 ? 0 : index === 1 ? 90 : index === 3 ? 180 : 270

                Rectangle {
                    width: parent.width
                    height: Theme.px(8)
                    radius: height / 2
                    color: Theme.accent
                }
                Rectangle {
                    width: Theme.px(8)
                    height: parent.height
                    radius: width / 2
                    color: Theme.accent
                }
            }
        }
    }
}
