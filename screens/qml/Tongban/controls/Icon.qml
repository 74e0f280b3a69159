// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Shapes
import Tongban

// One drawing of the screen's own set, in outline.
Item {
    id: icon

    property string name: ""
    property real size: Theme.icon
    property color color: Theme.ink
    property real weight: Math.max(2, size / 17)

    implicitWidth: size
    implicitHeight: size

    Accessible.ignored: true

    Shape {
        anchors.fill: parent
        // The software renderer does not clip a shape that lies wholly outside; a hidden layer would keep its old size.
        layer.enabled: visible

        ShapePath {
            scale: Qt.size(icon.size / 48, icon.size / 48)
            strokeColor: icon.color
            strokeWidth: icon.weight
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: Drawings.outline(icon.name)
            }
        }
    }
}
