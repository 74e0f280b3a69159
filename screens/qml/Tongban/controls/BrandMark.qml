// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Shapes
import Tongban

// A seal with an open gate: through here, and done.
Item {
    id: mark

    property real size: Theme.px(56)
    property color color: Theme.ink

    implicitWidth: size
    implicitHeight: size

    Accessible.ignored: true

    Rectangle {
        anchors.fill: parent
        radius: mark.size * 0.16
        color: mark.color
    }
    Shape {
        anchors.fill: parent

        ShapePath {
            scale: Qt.size(mark.size / 48, mark.size / 48)
            strokeColor: Theme.surface
            strokeWidth: Math.max(1.5, mark.size / 14)
            fillColor: "transparent"
            capStyle: ShapePath.FlatCap
            joinStyle: ShapePath.MiterJoin

            PathSvg {
                path: "M11 38 V12 H37 V38 M24 38 V20 M18 26 L24 19.5 L30 26"
            }
        }
    }
}
