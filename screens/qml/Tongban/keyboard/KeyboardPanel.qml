// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard
import QtQuick.VirtualKeyboard.Settings
import Tongban

// The on-screen keyboard, inside our own window: a compositor would draw a system keyboard under a full-screen window.
// Anchor it to the left, right and bottom of the window, above everything but overlays; keep the page above
// `coveredHeight`. It comes up when a text input has focus and goes when "done" is touched or the input loses focus.
//
// words: delete, split, capitals, small, symbols, letters, to_english, to_pinyin, space, new_line, done,
//        earlier, later, pinyin_hint
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
    readonly property bool pinyin: InputContext.inputEngine.inputMode === InputEngine.InputMode.Pinyin
    readonly property real margin: (width - KeyboardLook.keysWidth) / 2
    readonly property var method: Qt.inputMethod // `var`: the checker knows it only as a QObject

    objectName: "keyboardPanel"
    implicitHeight: KeyboardLook.keysHeight + KeyboardLook.candidateHeight
    visible: slide.y < height
    clip: true

    onWordsChanged: KeyboardLook.words = words
    onWidthChanged: KeyboardLook.panelWidth = width
    onLanguageChanged: start()
    // Letters not yet turned into signs become the first suggestion, as when the resident goes on to another field.
    onShownChanged: if (!shown)
        method.commit()

    Component.onCompleted: {
        KeyboardLook.words = words;
        KeyboardLook.panelWidth = width;
        VirtualKeyboardSettings.activeLocales = ["zh_CN", "en_GB"];
        VirtualKeyboardSettings.handwritingModeDisabled = true;
        VirtualKeyboardSettings.defaultInputMethodDisabled = true; // no word list, no corrections in English
        VirtualKeyboardSettings.defaultDictionaryDisabled = true;
        VirtualKeyboardSettings.fullScreenMode = false;
        const hints = Qt.ImhSensitiveData | Qt.ImhNoAutoUppercase | Qt.ImhNoPredictiveText;
        VirtualKeyboardSettings.inputMethodHints = hints; // added to those of every input
        VirtualKeyboardSettings.wordCandidateList.alwaysVisible = true;
        const view = input.keyboard.wordCandidateView;
        view.anchors.leftMargin = Qt.binding(() => panel.margin);
        view.anchors.rightMargin = Qt.binding(() => pages.width + Theme.s1 + panel.margin);
        start();
    }

    // Back to the language of the interface.
    function start() {
        const locale = language === "zh_CN" ? "zh_CN" : "en_GB";
        VirtualKeyboardSettings.locale = ""; // the same locale again would not be a change
        VirtualKeyboardSettings.locale = locale;
    }

    // Forgets what is typed but not yet taken, and what is suggested; hides the keyboard. For the end of a visit. There
    // is no dictionary to reset.
    function wipe() {
        method.reset();
        method.hide();
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

            MouseArea {
                anchors.fill: parent // what lies under the strip must not be touched through it
            }
            Text {
                anchors.verticalCenter: parent.verticalCenter
                x: panel.margin + Theme.s2
                visible: panel.pinyin && pages.view.count === 0 && !input.keyboard.symbolMode
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
            anchors.rightMargin: panel.margin
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
                const first = view.indexAt(view.contentX, middle);
                if (direction > 0) {
                    const cut = view.indexAt(view.contentX + view.width - 1, middle);
                    view.positionViewAtIndex(cut < 0 ? view.count - 1 : Math.max(cut, first + 1), ListView.Beginning);
                } else {
                    view.positionViewAtIndex(Math.max(0, first - 1), ListView.End);
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
