// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard
import QtQuick.VirtualKeyboard.Settings
import Tongban

// The on-screen keyboard, inside our own window: a compositor would draw a system keyboard under a full-screen window.
// Anchor it to the left, right and bottom of the window, above everything but overlays; keep the page above
// `coveredHeight`. It comes up when a text input has focus and goes when "done" is touched or the input loses focus.
//
// words: delete, split, capitals, small, symbols, letters, to_english, to_pinyin, space, new_line, done, earlier, later, pinyin_hint
//
// Nothing a resident types is learned: ImhSensitiveData switches the Pinyin engine's user dictionary off, and
// screens/keyboard_setup.py leaves it no place to write to. wipe() forgets the rest at the end of a visit.
Item {
    id: panel

    required property var words
    // "zh_CN" starts with Pinyin, anything else with English letters. The resident may switch.
    required property string language
    // How much of the window's bottom is covered; the same in both languages, so the page moves once.
    readonly property real coveredHeight: shown ? KeyboardLook.keysHeight + KeyboardLook.candidateHeight : 0
    readonly property bool shown: input.active
    // Up and at rest: from here on a key stays where it is.
    readonly property bool settled: shown && slide.y === 0

    objectName: "keyboardPanel"
    implicitHeight: KeyboardLook.keysHeight + KeyboardLook.candidateHeight
    visible: slide.y < height
    clip: true

    onWordsChanged: KeyboardLook.words = words
    onWidthChanged: KeyboardLook.panelWidth = width
    onLanguageChanged: start()
    // Letters not yet turned into signs become the first suggestion, as when the resident goes on to another field.
    onShownChanged: if (!shown) Qt.inputMethod.commit()

    Component.onCompleted: {
        KeyboardLook.words = words;
        KeyboardLook.panelWidth = width;
        VirtualKeyboardSettings.activeLocales = ["zh_CN", "en_GB"];
        VirtualKeyboardSettings.handwritingModeDisabled = true;
        VirtualKeyboardSettings.defaultInputMethodDisabled = true; // no word list, no corrections in English
        VirtualKeyboardSettings.defaultDictionaryDisabled = true;
        VirtualKeyboardSettings.fullScreenMode = false;
        VirtualKeyboardSettings.inputMethodHints = Qt.ImhSensitiveData | Qt.ImhNoAutoUppercase | Qt.ImhNoPredictiveText;
        VirtualKeyboardSettings.wordCandidateList.alwaysVisible = true;
        const view = input.keyboard.wordCandidateView;
        view.anchors.leftMargin = Qt.binding(() => (panel.width - KeyboardLook.keysWidth) / 2);
        view.anchors.rightMargin = Qt.binding(() => pages.width + Theme.s1 + (panel.width - KeyboardLook.keysWidth) / 2);
        start();
    }

    // Back to the language of the interface.
    function start() {
        const locale = language === "zh_CN" ? "zh_CN" : "en_GB";
        VirtualKeyboardSettings.locale = ""; // the same locale again would not be a change
        VirtualKeyboardSettings.locale = locale;
    }

    // Forgets what is typed but not yet taken, and what is suggested; hides the keyboard. Call it at the end of a visit.
    function wipe() {
        Qt.inputMethod.reset();
        Qt.inputMethod.hide();
        VirtualKeyboardSettings.userDataReset();
        start();
    }

    Item {
        id: slide

        width: parent.width
        height: parent.height
        y: panel.shown ? 0 : height

        Behavior on y {
            NumberAnimation {
                duration: Theme.calm
                easing.type: Easing.OutCubic
            }
        }

        Rectangle {
            width: parent.width
            height: KeyboardLook.candidateHeight
            color: Theme.surface

            Text {
                anchors.verticalCenter: parent.verticalCenter
                x: (parent.width - KeyboardLook.keysWidth) / 2 + Theme.s2
                visible: pages.view.count === 0 && InputContext.inputEngine.inputMode === InputEngine.InputMode.Pinyin
                text: panel.words.pinyin_hint
                textFormat: Text.PlainText
                font.family: Theme.family
                font.pixelSize: Theme.label
                color: Theme.inkSoft
            }
        }

        InputPanel {
            id: input

            anchors.left: parent.left
            anchors.right: parent.right
            anchors.bottom: parent.bottom
        }

        Row {
            id: pages

            readonly property ListView view: input.keyboard.wordCandidateView

            anchors.right: parent.right
            anchors.rightMargin: (parent.width - KeyboardLook.keysWidth) / 2
            y: (KeyboardLook.candidateHeight - height) / 2
            height: Theme.target
            spacing: Theme.s1
            visible: view.count > 0 && view.contentWidth > view.width

            PadKey {
                height: parent.height
                text: "◂"
                label: panel.words.earlier
                enabled: !pages.view.atXBeginning
                onClicked: pages.turn(-1)
            }
            PadKey {
                height: parent.height
                text: "▸"
                label: panel.words.later
                enabled: !pages.view.atXEnd
                onClicked: pages.turn(1)
            }

            // Moves by whole words: the one that was cut off comes first.
            function turn(direction: int): void {
                const middle = view.height / 2;
                if (direction > 0) {
                    const cut = view.indexAt(view.contentX + view.width - 1, middle);
                    view.positionViewAtIndex(cut < 0 ? view.count - 1 : cut, ListView.Beginning);
                } else {
                    const first = view.indexAt(view.contentX - 1, middle);
                    view.positionViewAtIndex(Math.max(0, first), ListView.End);
                }
            }
        }

        Rectangle {
            width: parent.width
            height: Theme.hair
            color: Theme.edge
        }
    }
}
