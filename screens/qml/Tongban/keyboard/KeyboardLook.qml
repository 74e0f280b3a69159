// SPDX-License-Identifier: GPL-3.0-or-later
pragma Singleton

import QtQuick
import Tongban

// What the style and the layouts need to know. Qt Virtual Keyboard loads those two by address, so nobody can hand them
// anything; this singleton is the one place they read. KeyboardPanel.qml is the only writer.
QtObject {
    // Words on the keys, by id: see KeyboardPanel.qml.
    property var words: ({})
    // Width of the panel in pixels.
    property real panelWidth: 1080

    readonly property int rows: 4
    // Full cells react to touch; their faces keep a gap.
    readonly property int cellHeight: Theme.landscape ? Theme.target : Theme.keyHeight
    readonly property int gap: Theme.px(10)
    readonly property int letterSize: Theme.letter(42)
    readonly property int wordSize: Theme.letter(30)
    readonly property int candidateSize: Theme.letter(42)
    readonly property int candidateHeight: Theme.target + Theme.s2
    // Keys farther apart than this are no longer one keyboard to the eye.
    readonly property int keysWidth: Math.min(panelWidth - 2 * Theme.s1, Theme.px(1480))
    readonly property int paddingY: Theme.s1
    readonly property int keysHeight: rows * cellHeight + 2 * paddingY

    function word(id: string): string {
        return words[id] ?? "";
    }
}
