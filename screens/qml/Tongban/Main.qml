// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// The window: the screen, and the on-screen keyboard above the keys that never move.
Window {
    id: window

    required property ScreenModel screenModel
    property bool motion: true // off where pictures are taken

    visible: true
    width: 1080
    height: 1920
    color: Theme.paper
    title: screenModel.frame.product

    TerminalScreen {
        id: terminal

        anchors.fill: parent
        screen: window.screenModel
        motion: window.motion
        keyboardHeight: keyboard.coveredHeight
    }

    KeyboardPanel {
        id: keyboard

        anchors.left: parent.left
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        anchors.bottomMargin: terminal.barHeight
        words: window.screenModel.words.keyboard
        language: window.screenModel.frame.language
    }
}
