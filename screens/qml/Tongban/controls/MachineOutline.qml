// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Shapes
import Tongban

// The machine from the front, in outline; the part that matters now is lit, with what goes in or comes out.
Item {
    id: machine

    // none, id_reader, camera, document_tray, receipt_slot
    property string slot: "none"
    property string name: ""
    property bool stopped: false // it does not go on by itself: nothing goes in or comes out
    property bool outward: false // the card is taken out, not laid in

    readonly property real scaleTo: Math.min(width / 552, height / 560)
    readonly property real thin: Math.max(1.5, 3 * scaleTo)
    readonly property real thick: Math.max(2, 5 * scaleTo)

    Accessible.role: Accessible.Graphic
    Accessible.name: name
    Accessible.ignored: name === ""

    component Line: ShapePath {
        property bool lit: false

        scale: Qt.size(machine.scaleTo, machine.scaleTo)
        strokeColor: !lit ? Theme.edge : machine.stopped ? Theme.attention : Theme.accent
        strokeWidth: lit ? machine.thick : machine.thin
        fillColor: !lit ? Theme.surface : machine.stopped ? Theme.attentionSoft : Theme.accentSoft
        capStyle: ShapePath.RoundCap
        joinStyle: ShapePath.RoundJoin
    }

    Shape {
        id: shape

        anchors.centerIn: parent
        width: 440 * machine.scaleTo
        height: 560 * machine.scaleTo

        // Foot and body.
        Line {
            PathSvg {
                path: "M156 486 H284 V540 H156 z M104 540 H336 V554 H104 z"
            }
        }
        Line {
            PathSvg {
                path: "M84 8 H356 a28 28 0 0 1 28 28 V458 a28 28 0 0 1 -28 28 H84 a28 28 0 0 1 -28 -28 V36 a28 28 0 0 1 28 -28 z"
            }
        }
        // Screen.
        Line {
            fillColor: Theme.paper

            PathSvg {
                path: "M98 82 H342 a10 10 0 0 1 10 10 V258 a10 10 0 0 1 -10 10 H98 a10 10 0 0 1 -10 -10 V92 a10 10 0 0 1 10 -10 z"
            }
        }
        ShapePath {
            scale: Qt.size(machine.scaleTo, machine.scaleTo)
            strokeColor: Theme.hairline
            strokeWidth: machine.thin
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap

            PathSvg {
                path: "M116 116 H236 M116 142 H196 M116 206 H208 V240 H116 z M232 206 H324 V240 H232 z"
            }
        }
        // Camera.
        Line {
            lit: machine.slot === "camera"

            PathSvg {
                path: "M220 30 a16 16 0 1 0 0.01 0"
            }
        }
        // Reader.
        Line {
            lit: machine.slot === "id_reader"

            PathSvg {
                path: "M100 300 H208 a12 12 0 0 1 12 12 V382 a12 12 0 0 1 -12 12 H100 a12 12 0 0 1 -12 -12 V312 a12 12 0 0 1 12 -12 z"
            }
        }
        // Slip slot.
        Line {
            lit: machine.slot === "receipt_slot"

            PathSvg {
                path: "M252 320 H346 a7 7 0 0 1 0 14 H252 a7 7 0 0 1 0 -14 z"
            }
        }
        // Sheet slot.
        Line {
            lit: machine.slot === "document_tray"

            PathSvg {
                path: "M98 424 H342 a8 8 0 0 1 0 16 H98 a8 8 0 0 1 0 -16 z"
            }
        }
    }

    // What goes in or comes out; drawn over the machine.
    Shape {
        id: moving

        anchors.fill: shape
        visible: machine.slot !== "none" && !machine.stopped

        SequentialAnimation on opacity {
            running: Theme.motion && moving.visible
            loops: Animation.Infinite

            OpacityAnimator {
                from: 1
                to: 0.45
                duration: Theme.slow
                easing.type: Easing.InOutSine
            }
            OpacityAnimator {
                from: 0.45
                to: 1
                duration: Theme.slow
                easing.type: Easing.InOutSine
            }
        }

        ShapePath {
            scale: Qt.size(machine.scaleTo, machine.scaleTo)
            strokeColor: Theme.accent
            strokeWidth: machine.thick
            fillColor: Theme.surface
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: machine.slot === "id_reader" ? "M30 326 H142 a8 8 0 0 1 8 8 V394 a8 8 0 0 1 -8 8 H30 a8 8 0 0 1 -8 -8 V334 a8 8 0 0 1 8 -8 z" : machine.slot === "document_tray" ? "M124 432 H316 V524 H124 z" : machine.slot === "receipt_slot" ? "M266 327 H332 V412 L321 404 L310 412 L299 404 L288 412 L277 404 L266 412 z" : ""
            }
        }
        ShapePath {
            scale: Qt.size(machine.scaleTo, machine.scaleTo)
            strokeColor: Theme.accent
            strokeWidth: machine.thin
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: machine.slot === "id_reader" ? "M56 342 a9 9 0 1 0 0.01 0 M40 386 c0 -14 6 -20 16 -20 c10 0 16 6 16 20 M90 350 H132 M90 366 H132 M90 382 H116" : machine.slot === "document_tray" ? "M150 460 H240 M150 480 H290 M150 500 H290" : machine.slot === "receipt_slot" ? "M280 350 H318 M280 368 H318 M280 386 H304" : machine.slot === "camera" ? "M182 46 c-8 -20 -8 -20 -18 -34 M258 46 c8 -20 8 -20 18 -34" : ""
            }
        }
        // An arrow from outside, in the direction things move.
        ShapePath {
            scale: Qt.size(machine.scaleTo, machine.scaleTo)
            strokeColor: Theme.accent
            strokeWidth: machine.thick
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: machine.slot === "id_reader" ? machine.outward ? "M-46 364 H-4 M-28 344 L-48 364 L-28 384" : "M-48 364 H-4 M-22 344 L-2 364 L-22 384" : machine.slot === "document_tray" ? "M412 470 V540 M392 520 L412 542 L432 520" : machine.slot === "receipt_slot" ? "M412 344 V414 M392 394 L412 416 L432 394" : ""
            }
        }
    }
}
