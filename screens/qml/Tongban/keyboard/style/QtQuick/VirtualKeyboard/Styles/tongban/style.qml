// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.VirtualKeyboard.Styles
import Tongban

// Looks of the on-screen keyboard. Found by name (QT_VIRTUALKEYBOARD_STYLE=tongban) below an import path: both are set
// by screens/keyboard_setup.py. The design size is the real size, so that the theme's pixels are the keyboard's pixels.
KeyboardStyle {
    id: style

    keyboardDesignWidth: KeyboardLook.panelWidth
    keyboardDesignHeight: KeyboardLook.keysHeight
    keyboardRelativeLeftMargin: (KeyboardLook.panelWidth - KeyboardLook.keysWidth) / 2 / KeyboardLook.panelWidth
    keyboardRelativeRightMargin: keyboardRelativeLeftMargin
    keyboardRelativeTopMargin: KeyboardLook.paddingY / KeyboardLook.keysHeight
    keyboardRelativeBottomMargin: keyboardRelativeTopMargin

    keyboardBackground: Rectangle {
        color: Theme.sunken
    }

    keyPanel: KeyFace {}
    backspaceKeyPanel: KeyFace {}
    languageKeyPanel: KeyFace {}
    enterKeyPanel: KeyFace {}
    hideKeyPanel: KeyFace {
        ends: true
    }
    shiftKeyPanel: KeyFace {}
    spaceKeyPanel: KeyFace {}
    symbolKeyPanel: KeyFace {}
    modeKeyPanel: KeyFace {}

    selectionListHeight: KeyboardLook.candidateHeight
    selectionListDelegate: CandidateFace {}
    selectionListBackground: Item {}
    selectionListHighlight: Item {}
}
