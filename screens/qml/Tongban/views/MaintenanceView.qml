// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import Tongban
import Tongban.Models

// The technician's service mode: one page of it.
Loader {
    id: view

    required property ScreenModel screen

    function pick(page: string): Component {
        switch (page) {
        case "waiting":
            return waiting;
        case "sign_on":
        case "record":
            return record;
        case "overview":
            return overview;
        case "section":
            return section;
        case "tests":
            return tests;
        case "question":
            return question;
        case "repair":
            return repair;
        case "done":
            return done;
        }
        return null;
    }

    focus: true
    sourceComponent: pick(screen.views.maintenance.page)

    Component {
        id: waiting

        MaintenanceWaiting {
            screen: view.screen
        }
    }
    Component {
        id: record

        MaintenanceRecord {
            screen: view.screen
        }
    }
    Component {
        id: overview

        MaintenanceOverview {
            screen: view.screen
        }
    }
    Component {
        id: section

        MaintenanceSection {
            screen: view.screen
        }
    }
    Component {
        id: tests

        MaintenanceTests {
            screen: view.screen
        }
    }
    Component {
        id: question

        MaintenanceQuestion {
            screen: view.screen
        }
    }
    Component {
        id: repair

        MaintenanceRepair {
            screen: view.screen
        }
    }
    Component {
        id: done

        MaintenanceDone {
            screen: view.screen
        }
    }
}
