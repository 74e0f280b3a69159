// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Shapes
import Tongban

// A face for a grade, "5" (best) to "1".
Item {
    id: face

    property string grade: "5"
    property real size: Theme.px(120)
    property color color: Theme.ink
    readonly property var mouths: ({
            "5": "M13 28 c4 11 18 11 22 0 z",
            "4": "M14 29 c4 7 16 7 20 0",
            "3": "M15 32 H33",
            "2": "M15 34 c4 -5 14 -5 18 0",
            "1": "M14 36 c4 -9 16 -9 20 0"
        })

    implicitWidth: size
    implicitHeight: size

    Accessible.ignored: true

    Shape {
        anchors.fill: parent
        layer.enabled: true // the software renderer does not clip a shape that lies wholly outside

        ShapePath {
            scale: Qt.size(face.size / 48, face.size / 48)
            strokeColor: face.color
            strokeWidth: Math.max(2, face.size / 22)
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: "M24 3 a21 21 0 1 0 0.01 0 M17 17 V20 M31 17 V20 " + face.mouths[face.grade]
            }
        }
    }
}
