// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Shapes
import Tongban

// What a message means, by shape: a ring with a tick, a tray that holds a sheet, a triangle, a barred octagon, three dots in a ring, a dot in a ring.
Item {
    id: mark

    property string tone: "neutral"
    property real size: Theme.icon
    readonly property color color: tone === "good" ? Theme.good : tone === "taken_in" ? Theme.takenIn : tone === "attention" ? Theme.attention : tone === "sorry" ? Theme.sorry : Theme.inkSoft
    readonly property string outline: tone === "good" ? "M24 4 a20 20 0 1 0 0.01 0 M14 25 L21 32 L34 17" : tone === "taken_in" ? "M6 24 V42 H42 V24 M6 30 H16 L19 35 H29 L32 30 H42 M24 4 V23 M16 16 L24 24 L32 16" : tone === "attention" ? "M24 5 L45 42 H3 z M24 18 V29 M24 35 V35.5" : tone === "unknown" ? "M24 4 a20 20 0 1 0 0.01 0 M14.5 24 V24.5 M24 24 V24.5 M33.5 24 V24.5" : tone === "sorry" ? "M16 5 H32 L43 16 V32 L32 43 H16 L5 32 V16 z M14 24 H34" : "M24 4 a20 20 0 1 0 0.01 0 M24 21 V34 M24 14 V14.5"

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
            strokeWidth: Math.max(2, mark.size / 14)
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: mark.outline
            }
        }
    }
}
