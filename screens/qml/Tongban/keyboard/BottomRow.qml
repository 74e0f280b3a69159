// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard
import QtQuick.VirtualKeyboard.Components
import Tongban

// The lowest row, the same in every layout: other signs, other language, comma, space, full stop, new line, done.
KeyboardRow {
    id: row

    required property string symbolWord
    required property string languageWord
    required property string comma
    required property string stop
    // Only long answers have lines.
    readonly property bool multiLine: (InputContext.inputMethodHints & Qt.ImhMultiLine) !== 0

    SymbolModeKey {
        weight: row.multiLine ? 160 : 170
        displayText: row.symbolWord
    }
    ChangeLanguageKey {
        weight: row.multiLine ? 170 : 180
        displayText: row.languageWord
    }
    Key {
        weight: row.multiLine ? 85 : 90
        text: row.comma
    }
    SpaceKey {
        weight: row.multiLine ? 130 : 270
        displayText: KeyboardLook.word("space")
    }
    Key {
        weight: row.multiLine ? 85 : 90
        text: row.stop
    }
    EnterKey {
        weight: 180
        visible: row.multiLine
        displayText: KeyboardLook.word("new_line")
    }
    HideKeyboardKey {
        weight: row.multiLine ? 190 : 200
        displayText: KeyboardLook.word("done")
    }
}
