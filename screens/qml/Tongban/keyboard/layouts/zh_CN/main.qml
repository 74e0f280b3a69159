// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard
import QtQuick.VirtualKeyboard.Components
import QtQuick.VirtualKeyboard.Plugins
import Tongban

// Pinyin. What is suggested stands above the keys; the space key takes the first.
KeyboardLayout {
    id: layout

    inputMode: InputEngine.InputMode.Pinyin
    sharedLayouts: ["main", "symbols"]
    keyWeight: 100

    function createInputMethod() {
        return pinyin.createObject(layout.parent);
    }

    Component {
        id: pinyin

        PinyinInputMethod {}
    }

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
        Key {
            weight: 150
            key: Qt.Key_Apostrophe
            text: "'"
            displayText: KeyboardLook.word("split")
            functionKey: true
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
        languageWord: KeyboardLook.word("to_english")
        comma: "，"
        stop: "。"
    }
}
