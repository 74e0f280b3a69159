// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Shapes
import Tongban

// Where a repair step is done, in outline: the part in hand is lit, an arrow says which way it goes. The step's words say
// the same; a screen reader needs no picture.
Item {
    id: picture

    property string name: ""

    readonly property real scaleTo: Math.min(width / 480, height / 360)
    readonly property var drawing: drawings[name] ?? drawings["printer"]

    // What a drawing stands on, on a grid of 480 by 360.
    readonly property var bases: ({
            "printer": "M96 132 H384 a16 16 0 0 1 16 16 V268 a12 12 0 0 1 -12 12 H92 a12 12 0 0 1 -12 -12 V148 a16 16 0 0 1 16 -16 z M104 280 H376 V326 H104 z M206 304 H274 M112 132 L132 98 H348 L368 132 M132 182 H348",
            "slips": "M150 124 H330 a16 16 0 0 1 16 16 V314 a12 12 0 0 1 -12 12 H146 a12 12 0 0 1 -12 -12 V140 a16 16 0 0 1 16 -16 z M176 162 H304",
            "camera": "M150 70 H330 a22 22 0 0 1 22 22 V232 a22 22 0 0 1 -22 22 H150 a22 22 0 0 1 -22 -22 V92 a22 22 0 0 1 22 -22 z M240 102 a60 60 0 1 0 0.01 0 M240 134 a28 28 0 1 0 0.01 0",
            "reader": "M124 78 H356 a20 20 0 0 1 20 20 V238 a20 20 0 0 1 -20 20 H124 a20 20 0 0 1 -20 -20 V98 a20 20 0 0 1 20 -20 z M160 118 H320 V218 H160 z M196 146 a14 14 0 1 0 0.01 0 M176 202 c0 -16 8 -24 20 -24 c12 0 20 8 20 24 M244 148 H300 M244 170 H300",
            "slot": "M96 60 H384 a16 16 0 0 1 16 16 V250 a16 16 0 0 1 -16 16 H96 a16 16 0 0 1 -16 -16 V76 a16 16 0 0 1 16 -16 z M140 132 H340 a9 9 0 0 1 0 18 H140 a9 9 0 0 1 0 -18 z",
            "cabinet": "M130 24 H350 V328 H130 z M110 328 H370 V344 H110 z M156 54 H324 V156 H156 z M170 184 H310 V314 H170 z"
        })
    // Of each drawing: base, what is lit, and the lines over it.
    readonly property var drawings: ({
            "cabinet_door": ["cabinet", "M170 184 L96 208 V342 L170 314 z", "M110 266 V290 M278 250 H216 M232 234 L214 250 L232 266"],
            "camera_lens": ["camera", "M240 102 a60 60 0 1 0 0.01 0", "M206 186 C226 150 256 176 276 134 M262 136 L278 132 L280 148"],
            "camera_plug": ["camera", "M222 284 H258 V318 H222 z", "M240 254 V284 M230 318 V334 M250 318 V334 M300 290 V336 M288 324 L300 338 L312 324"],
            "printer": ["printer", "M96 132 H384 a16 16 0 0 1 16 16 V268 a12 12 0 0 1 -12 12 H92 a12 12 0 0 1 -12 -12 V148 a16 16 0 0 1 16 -16 z", "M206 230 L230 252 L276 204"],
            "printer_tray": ["printer", "M104 280 H376 V326 H104 z", "M206 304 H274 M150 280 V246 H330 V280 M166 258 H314 M240 356 V336 M228 346 L240 334 L252 346"],
            "printer_cover_open": ["printer", "M112 132 L96 22 H332 L368 132 z", "M414 118 V52 M400 66 L414 50 L428 66"],
            "printer_cover_closed": ["printer", "M112 132 L132 98 H348 L368 132 z", "M240 26 V78 M226 66 L240 82 L254 66"],
            "printer_paper_path": ["printer", "M160 182 H320 L312 250 L284 236 L256 262 L226 238 L196 258 L168 244 z", "M240 274 V344 M224 328 L240 346 L256 328"],
            "printer_cartridge": ["printer", "M148 200 H332 V252 H148 z", "M172 226 H232 M300 214 V238 M430 188 V262 M418 200 L430 186 L442 200 M418 250 L430 264 L442 250"],
            "printer_output": ["printer", "M146 98 L160 54 H320 L334 98 z", "M176 74 H304 M414 104 V40 M400 54 L414 38 L428 54"],
            "printer_switch": ["printer", "M344 196 a30 30 0 1 0 0.01 0", "M344 206 V226 M332 214 a18 18 0 1 0 24 0"],
            "printer_cables": ["printer", "M416 286 H452 V318 H416 z", "M400 220 H420 a14 14 0 0 1 14 14 V286 M424 318 V334 M444 318 V334"],
            "reader": ["reader", "M160 118 H320 V218 H160 z", "M208 170 L232 192 L278 144"],
            "reader_cables": ["reader", "M222 290 H258 V322 H222 z", "M240 258 V290 M230 322 V338 M250 322 V338 M300 292 V338 M288 326 L300 340 L312 326"],
            "slip_cover_open": ["slips", "M150 150 L112 44 H292 L330 150 z", "M382 140 V74 M368 88 L382 72 L396 88"],
            "slip_cover_closed": ["slips", "M134 140 a16 16 0 0 1 16 -16 H330 a16 16 0 0 1 16 16 V190 H134 z", "M240 40 V96 M226 84 L240 100 L254 84"],
            "slip_roll": ["slips", "M240 184 a56 56 0 1 0 0.01 0", "M240 226 a14 14 0 1 0 0.01 0 M184 240 V84 H262 V150 M388 84 V160 M374 146 L388 162 L402 146"],
            "slip_knife": ["slips", "M176 154 H304 V170 L288 186 L272 170 L256 186 L240 170 L224 186 L208 170 L192 186 L176 170 z", "M378 138 a34 34 0 1 1 -24 10 M352 130 L354 150 L374 146 M196 154 V92 H284 V154"],
            "slip_switch": ["slips", "M288 240 a30 30 0 1 0 0.01 0", "M288 250 V270 M276 258 a18 18 0 1 0 24 0"],
            "slip_cables": ["slips", "M380 290 H416 V322 H380 z", "M346 226 H384 a14 14 0 0 1 14 14 V290 M388 322 V338 M408 322 V338"],
            "slot_path": ["slot", "M170 141 H310 V232 H170 z", "M190 196 H240 M190 212 H222 M272 158 h20 v16 h-20 z M240 252 V322 M224 306 L240 324 L256 306"],
            "slot_bin": ["slot", "M140 196 H340 L324 250 H156 z", "M176 196 V176 H304 V196 M240 266 V330 M224 314 L240 332 L256 314"]
        })

    Accessible.ignored: true

    component Line: ShapePath {
        scale: Qt.size(picture.scaleTo, picture.scaleTo)
        capStyle: ShapePath.RoundCap
        joinStyle: ShapePath.RoundJoin
    }

    Shape {
        anchors.centerIn: parent
        width: 480 * picture.scaleTo
        height: 360 * picture.scaleTo

        Line {
            strokeColor: Theme.edge
            strokeWidth: Math.max(1.5, 3 * picture.scaleTo)
            fillColor: Theme.surface

            PathSvg {
                path: picture.bases[picture.drawing[0]]
            }
        }
        Line {
            strokeColor: Theme.accent
            strokeWidth: Math.max(2, 4 * picture.scaleTo)
            fillColor: Theme.accentSoft

            PathSvg {
                path: picture.drawing[1]
            }
        }
        Line {
            strokeColor: Theme.accent
            strokeWidth: Math.max(2, 4 * picture.scaleTo)
            fillColor: "transparent"

            PathSvg {
                path: picture.drawing[2]
            }
        }
    }
}
