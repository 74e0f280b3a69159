// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard
import QtQuick.VirtualKeyboard.Components
import Tongban

// English letters, typed as they are: no word list, no corrections.
KeyboardLayout {
    id: layout

    inputMode: InputEngine.InputMode.Latin
    keyWeight: 100

    KeyboardRow {
        Key {
            text: "q"
        }
        Key {
            text: "w"
        }
        Key {
            text: "e"
        }
        Key {
            text: "r"
        }
        Key {
            text: "t"
        }
        Key {
            text: "y"
        }
        Key {
            text: "u"
        }
        Key {
            text: "i"
        }
        Key {
            text: "o"
        }
        Key {
            text: "p"
        }
    }

    KeyboardRow {
        FillerKey {
            weight: 50
        }
        Key {
            text: "a"
        }
        Key {
            text: "s"
        }
        Key {
            text: "d"
        }
        Key {
            text: "f"
        }
        Key {
            text: "g"
        }
        Key {
            text: "h"
        }
        Key {
            text: "j"
        }
        Key {
            text: "k"
        }
        Key {
            text: "l"
        }
        FillerKey {
            weight: 50
        }
    }

    KeyboardRow {
        ShiftKey {
            weight: 150
            displayText: KeyboardLook.word(InputContext.uppercase ? "small" : "capitals")
        }
        Key {
            text: "z"
        }
        Key {
            text: "x"
        }
        Key {
            text: "c"
        }
        Key {
            text: "v"
        }
        Key {
            text: "b"
        }
        Key {
            text: "n"
        }
        Key {
            text: "m"
        }
        BackspaceKey {
            weight: 150
            displayText: KeyboardLook.word("delete")
        }
    }

    BottomRow {
        symbolWord: KeyboardLook.word("symbols")
        languageWord: KeyboardLook.word("to_pinyin")
        comma: ","
        stop: "."
    }
}
