// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard
import QtQuick.VirtualKeyboard.Components
import Tongban

// Digits and signs.
KeyboardLayout {
    id: layout

    inputMode: InputEngine.InputMode.Latin
    keyWeight: 100

    KeyboardRow {
        Key {
            text: "1"
        }
        Key {
            text: "2"
        }
        Key {
            text: "3"
        }
        Key {
            text: "4"
        }
        Key {
            text: "5"
        }
        Key {
            text: "6"
        }
        Key {
            text: "7"
        }
        Key {
            text: "8"
        }
        Key {
            text: "9"
        }
        Key {
            text: "0"
        }
    }

    KeyboardRow {
        Key {
            text: ","
        }
        Key {
            text: "."
        }
        Key {
            text: ";"
        }
        Key {
            text: ":"
        }
        Key {
            text: "?"
        }
        Key {
            text: "!"
        }
        Key {
            text: "("
        }
        Key {
            text: ")"
        }
        Key {
            text: "'"
        }
        Key {
            text: "\""
        }
    }

    KeyboardRow {
        Key {
            text: "@"
        }
        Key {
            text: "#"
        }
        Key {
            text: "-"
        }
        Key {
            text: "_"
        }
        Key {
            text: "/"
        }
        Key {
            text: "&"
        }
        Key {
            text: "%"
        }
        Key {
            text: "+"
        }
        BackspaceKey {
            weight: 200
            displayText: KeyboardLook.word("delete")
        }
    }

    BottomRow {
        symbolWord: KeyboardLook.word("letters")
        languageWord: KeyboardLook.word("to_pinyin")
        comma: ","
        stop: "."
    }
}
