// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Shapes
import Tongban

// The state of one step by shape: an empty ring, a ring with a moving part, a tick in a ring, a cross in a triangle.
Item {
    id: mark

    property string progress: "waiting" // waiting, running, done, failed
    property real size: Theme.icon
    readonly property color color: progress === "waiting" ? Theme.edge : progress === "failed" ? Theme.sorry : progress === "done" ? Theme.good : Theme.accent
    readonly property string outline: progress === "failed" ? "M24 5 L45 42 H3 z M19 24 L29 34 M29 24 L19 34" : progress === "done" ? "M24 4 a20 20 0 1 0 0.01 0 M14 25 L21 32 L34 17" : progress === "running" ? "M24 4 a20 20 0 1 0 20 20" : "M24 4 a20 20 0 1 0 0.01 0"

    implicitWidth: size
    implicitHeight: size

    Accessible.ignored: true

    Shape {
        anchors.fill: parent
        // The software renderer does not clip a shape that lies wholly outside; a hidden layer would keep its old size.
        layer.enabled: visible

        ShapePath {
            scale: Qt.size(mark.size / 48, mark.size / 48)
            strokeColor: mark.color
            strokeWidth: Math.max(2, mark.size / (mark.progress === "waiting" ? 20 : 12))
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: mark.outline
            }
        }
    }

    Rectangle {
        id: core

        anchors.centerIn: parent
        width: mark.size * 0.36
        height: width
        radius: width / 2
        color: mark.color
        visible: mark.progress === "running"

        SequentialAnimation on opacity {
            running: Theme.motion && core.visible
            loops: Animation.Infinite

            OpacityAnimator {
                from: 1
                to: 0.25
                duration: Theme.slow
                easing.type: Easing.InOutSine
            }
            OpacityAnimator {
                from: 0.25
                to: 1
                duration: Theme.slow
                easing.type: Easing.InOutSine
            }
        }
    }
}
