// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import QtQuick.Templates as T
import Tongban

// What every key has in common: it is found by its word, shows focus, and never takes the focus away from a field.
T.AbstractButton {
    id: press

    // Cannot be used now. Not `enabled`: what lies beneath a question is disabled too, and should look as before.
    property bool off: false
    // What a screen reader adds to the word.
    property string note: ""
    property color ground: Theme.surface
    property color groundDown: Theme.pressed
    property color rim: Theme.edge
    property int rimWidth: Theme.hair
    property int corner: Theme.radius

    enabled: !off
    focusPolicy: Qt.TabFocus
    font.family: Theme.family
    font.pixelSize: Theme.key

    Accessible.role: Accessible.Button
    Accessible.name: text
    Accessible.description: note
    Accessible.onPressAction: press.click()

    background: Rectangle {
        radius: press.corner
        color: press.off ? "transparent" : press.down ? press.groundDown : press.ground
        border.width: press.rimWidth
        border.color: press.off ? Theme.hairline : press.rim

        Rectangle {
            anchors.fill: parent
            anchors.margins: -Theme.s1
            visible: press.visualFocus
            radius: press.corner + Theme.s1
            color: "transparent"
            border.width: Theme.stroke
            border.color: Theme.accent
        }
    }
}
