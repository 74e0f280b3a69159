// SPDX-License-Identifier: GPL-3.0-or-later
import QtQuick
import Tongban
import Tongban.Models

// Back, leave, help, large type, language: on every view in the same place.
Rectangle {
    id: bar

    required property ScreenModel screen

    readonly property real edge: Theme.margin
    readonly property real languageWidth: Theme.px(Theme.landscape ? 190 : Theme.elder ? 156 : 148)
    readonly property real keyHeight: height - 2 * Theme.s2
    readonly property real keyWidth: Theme.landscape ? Theme.px(Theme.elder ? 270 : 240) : (width - 2 * edge - 2 * languageWidth - Theme.s2) / 4

    implicitHeight: Theme.px(Theme.landscape ? 124 : Theme.elder ? 176 : 152)
    color: Theme.sunken

    Rectangle {
        width: parent.width
        height: Theme.hair
        color: Theme.hairline
    }

    BarKey {
        x: bar.edge + 0 * bar.keyWidth
        anchors.verticalCenter: parent.verticalCenter
        width: bar.keyWidth
        height: bar.keyHeight
        item: bar.screen.bar.back
        drawing: "back"
        onClicked: bar.screen.back()
    }
    BarKey {
        x: bar.edge + 1 * bar.keyWidth
        anchors.verticalCenter: parent.verticalCenter
        width: bar.keyWidth
        height: bar.keyHeight
        item: bar.screen.bar.leave
        drawing: "leave"
        onClicked: bar.screen.leave()
    }
    BarKey {
        x: bar.edge + 2 * bar.keyWidth
        anchors.verticalCenter: parent.verticalCenter
        width: bar.keyWidth
        height: bar.keyHeight
        item: bar.screen.bar.help
        drawing: "help"
        onClicked: bar.screen.help()
    }
    BarKey {
        x: bar.width - bar.edge - 2 * bar.languageWidth - Theme.s2 - bar.keyWidth
        anchors.verticalCenter: parent.verticalCenter
        width: bar.keyWidth
        height: bar.keyHeight
        item: bar.screen.bar.mode
        drawing: bar.screen.frame.elder ? "normal_type" : "large_type"
        onClicked: bar.screen.setElder(!bar.screen.frame.elder)
    }
    Rectangle {
        id: strip

        x: bar.width - bar.edge - width
        anchors.verticalCenter: parent.verticalCenter
        width: 2 * bar.languageWidth
        height: Theme.target
        visible: bar.screen.bar.chinese.shown
        radius: Theme.radiusSmall
        color: Theme.surface
        border.width: Theme.hair
        border.color: Theme.edge
    }
    BarKey {
        x: strip.x
        anchors.verticalCenter: parent.verticalCenter
        width: bar.languageWidth
        height: strip.height
        item: bar.screen.bar.chinese
        segment: true
        onClicked: bar.screen.setLanguage("zh_CN")
    }
    BarKey {
        x: strip.x + bar.languageWidth
        anchors.verticalCenter: parent.verticalCenter
        width: bar.languageWidth
        height: strip.height
        item: bar.screen.bar.english
        segment: true
        onClicked: bar.screen.setLanguage("en")
    }
}
