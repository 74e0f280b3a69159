// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// All a resident sees, but for the on-screen keyboard: top line, banner, the view, the keys that never move, overlays.
Rectangle {
    id: terminal

    required property ScreenModel screen
    property bool motion: true
    property real keyboardHeight: 0 // covered above the bar
    readonly property real barHeight: bar.height
    readonly property bool asking: screen.overlay.kind !== ""

    color: screen.viewKind === "camera" ? Theme.light : Theme.paper

    Binding {
        target: Theme
        property: "windowWidth"
        value: terminal.width
    }
    Binding {
        target: Theme
        property: "windowHeight"
        value: terminal.height
    }
    Binding {
        target: Theme
        property: "elder"
        value: terminal.screen.frame.elder
    }
    Binding {
        target: Theme
        property: "motion"
        value: terminal.motion
    }

    Item {
        id: beneath

        anchors.fill: parent
        enabled: !terminal.asking

        TopLine {
            id: top

            width: parent.width
            frame: terminal.screen.frame
            beneath: terminal.screen.viewKind === "maintenance" && terminal.screen.views.maintenance.who !== "" ? terminal.screen.views.maintenance.promised : ""
            placeName: terminal.screen.viewKind === "attract" ? terminal.screen.views.attract.placeName : terminal.screen.viewKind === "maintenance" ? terminal.screen.views.maintenance.who : ""
        }

        Notice {
            id: banner

            anchors.top: top.bottom
            anchors.topMargin: visible ? Theme.s2 : 0
            x: Theme.margin
            width: parent.width - 2 * Theme.margin
            height: visible ? implicitHeight : 0
            words: Theme.landscape && terminal.keyboardHeight > 0 ? "" : terminal.screen.frame.banner
        }

        Loader {
            id: stage

            x: Theme.margin
            y: banner.y + banner.height + Theme.px(Theme.landscape ? 36 : 48)
            width: parent.width - 2 * Theme.margin
            height: parent.height - y - Theme.px(Theme.landscape ? 32 : 40) - bar.height - terminal.keyboardHeight
            focus: true
            sourceComponent: terminal.pick(terminal.screen.viewKind)
            onLoaded: {
                if (Theme.motion)
                    appear.restart();
            }
        }

        // A fresh view comes out of the ground: a veil over it goes, which costs less than a view half transparent.
        Rectangle {
            id: veil

            anchors.fill: stage
            opacity: 0
            visible: opacity > 0
            color: terminal.color

            NumberAnimation {
                id: appear

                target: veil
                property: "opacity"
                from: 1
                to: 0
                duration: Theme.calm
            }
        }

        BottomBar {
            id: bar

            anchors.bottom: parent.bottom
            width: parent.width
            screen: terminal.screen
        }
    }

    OverlayPanel {
        anchors.fill: parent
        visible: terminal.asking
        screen: terminal.screen
    }

    // Sees each touch first and lets it through.
    Item {
        anchors.fill: parent

        PointHandler {
            onActiveChanged: {
                if (active)
                    terminal.screen.touched();
            }
        }
    }

    function pick(kind: string): Component {
        switch (kind) {
        case "attract":
            return attract;
        case "choice":
            return choice;
        case "guide":
            return guide;
        case "prompt":
            return prompt;
        case "consent":
            return consent;
        case "camera":
            return camera;
        case "form":
            return form;
        case "review":
            return review;
        case "progress":
            return progress;
        case "document":
            return document;
        case "result":
            return result;
        case "rating":
            return rating;
        case "goodbye":
            return goodbye;
        case "fault":
            return fault;
        case "out_of_service":
            return outOfService;
        case "maintenance":
            return maintenance;
        }
        return null;
    }

    Component {
        id: attract

        AttractView {
            screen: terminal.screen
        }
    }
    Component {
        id: choice

        ChoiceView {
            screen: terminal.screen
        }
    }
    Component {
        id: guide

        GuideView {
            screen: terminal.screen
        }
    }
    Component {
        id: prompt

        PromptView {
            screen: terminal.screen
        }
    }
    Component {
        id: consent

        ConsentView {
            screen: terminal.screen
        }
    }
    Component {
        id: camera

        CameraView {
            screen: terminal.screen
        }
    }
    Component {
        id: form

        FormView {
            screen: terminal.screen
        }
    }
    Component {
        id: review

        ReviewView {
            screen: terminal.screen
        }
    }
    Component {
        id: progress

        ProgressView {
            screen: terminal.screen
        }
    }
    Component {
        id: document

        DocumentView {
            screen: terminal.screen
        }
    }
    Component {
        id: result

        ResultView {
            screen: terminal.screen
        }
    }
    Component {
        id: rating

        RatingView {
            screen: terminal.screen
        }
    }
    Component {
        id: goodbye

        GoodbyeView {
            screen: terminal.screen
        }
    }
    Component {
        id: fault

        FaultView {
            screen: terminal.screen
        }
    }
    Component {
        id: outOfService

        OutOfServiceView {
            screen: terminal.screen
        }
    }
    Component {
        id: maintenance

        MaintenanceView {
            screen: terminal.screen
        }
    }
}
