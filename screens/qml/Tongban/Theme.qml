// SPDX-License-Identifier: GPL-3.0-or-later
pragma Singleton

import QtQuick

// Every size, colour and duration of the screen. Sizes are given for a 1080 x 1920 window (or 1920 x 1080) and grow and
// shrink with it, so a smaller window shows the same picture.
QtObject {
    id: theme

    // Set by TerminalScreen.qml, the only writer.
    property real windowWidth: 1080
    property real windowHeight: 1920
    property bool elder: false
    property bool motion: true

    readonly property bool landscape: windowWidth > windowHeight
    readonly property real unit: landscape ? Math.min(windowWidth / 1920, windowHeight / 1080) : Math.min(windowWidth / 1080, windowHeight / 1920)
    readonly property real letterScale: elder ? 1.35 : 1
    readonly property real headScale: elder ? 1.2 : 1

    // Colours. One accent, for the thing to do next and for nothing else.
    readonly property color paper: "#F7F3EA"
    readonly property color surface: "#FFFDF8"
    readonly property color sunken: "#EDE7DA"
    readonly property color ink: "#211D18"
    readonly property color inkSoft: "#574F45"
    readonly property color edge: "#85796A" // outline of what can be pressed: at least 3:1 on paper
    readonly property color hairline: "#D9D0C0" // between things; carries no meaning
    readonly property color accent: "#0F4F49"
    readonly property color accentPressed: "#0A3A36"
    readonly property color accentSoft: "#DDE9E4" // ground under what is chosen
    readonly property color inkOnAccent: "#FFFDF8"
    readonly property color pressed: "#E6DFD0"
    readonly property color light: "#FFFFFF" // around the camera picture: lights the face
    readonly property color scrim: "#B3211D18"

    // Meanings. Always beside a shape and a word.
    readonly property color good: "#2F6135"
    readonly property color takenIn: "#33507A"
    readonly property color attention: "#7E4E00"
    readonly property color sorry: "#96301F"
    readonly property color attentionSoft: "#F6E9CE"
    readonly property color sorrySoft: "#F6DFD8"

    // Letters, in pixels. The family has two weights: Font.Normal and Font.Bold.
    readonly property string family: "Noto Sans CJK SC"
    readonly property int title: head(60)
    readonly property int heading: letter(40)
    readonly property int lead: letter(34)
    readonly property int body: letter(32)
    readonly property int label: letter(30)
    readonly property int small: letter(28)
    readonly property int key: letter(34)
    readonly property real lineHeight: 1.1 // times the family's own 1.45

    // Distances, in pixels.
    readonly property int hair: Math.max(1, px(2))
    readonly property int stroke: Math.max(1, px(3))
    readonly property int s1: px(8)
    readonly property int s2: px(16)
    readonly property int s3: px(24)
    readonly property int s4: px(32)
    readonly property int s5: px(48)
    readonly property int s6: px(64)
    readonly property int margin: px(landscape ? 72 : 64)
    readonly property int radius: px(20)
    readonly property int radiusSmall: px(12)
    readonly property int target: px(elder ? 108 : 96) // least side of what can be pressed
    readonly property int keyHeight: px(elder ? 136 : 116)
    readonly property int icon: px(elder ? 60 : 52)

    // Durations, in milliseconds. Nothing blinks; only opacity moves.
    readonly property int calm: motion ? 240 : 0
    readonly property int slow: motion ? 1600 : 0

    function px(size: real): int {
        return Math.round(size * unit);
    }

    function letter(size: real): int {
        return Math.round(size * letterScale * unit);
    }

    function head(size: real): int {
        return Math.round(size * headScale * unit);
    }
}
