// SPDX-License-Identifier: GPL-3.0-or-later
pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Tongban
import Tongban.Models

// The first page of a shift: every device by shape, word and colour, every other section as a key, and what can be done.
// Devices can be many and are turned; the keys stay where they are, but for large type, where all of it is turned.
Item {
    id: view

    required property ScreenModel screen
    readonly property MaintenanceModel model: screen.views.maintenance
    readonly property bool lying: Theme.landscape && !Theme.elder
    readonly property real stateWidth: lying ? Math.round(width * 0.49) : width
    readonly property int columns: Theme.elder ? 2 : 3

    Title {
        id: title

        width: view.stateWidth
        text: view.model.title
        letterSize: Theme.head(52)
    }

    Scroll {
        id: scroll

        words: view.screen.words
        y: title.height + Theme.s2
        width: view.stateWidth
        height: (fixed.active && !view.lying ? fixed.y - Theme.s2 : view.height) - y
        contentHeight: state.height

        Column {
            id: state

            width: scroll.roomWidth
            spacing: Theme.s2

            Repeater {
                model: view.model.sections

                Column {
                    id: devices

                    required property ServiceSection item

                    width: parent ? parent.width : 0

                    SectionKey {
                        width: parent.width
                        item: devices.item
                        onClicked: view.screen.choose(devices.item.key)
                    }
                    Repeater {
                        model: devices.item.rows

                        ServiceLine {
                            width: devices.width
                        }
                    }
                }
            }

            Loader {
                width: parent.width
                active: Theme.elder
                visible: active
                sourceComponent: keys
            }
        }
    }

    Loader {
        id: fixed

        x: view.width - width
        y: view.height - height
        width: view.lying ? view.width - view.stateWidth - Theme.s6 : view.width
        active: !Theme.elder
        sourceComponent: keys
    }

    Component {
        id: keys

        Column {
            spacing: Theme.s2

            GridLayout {
                width: parent.width
                columns: view.columns
                columnSpacing: Theme.s1
                rowSpacing: Theme.s1
                uniformCellWidths: true

                Repeater {
                    model: view.model.others

                    SectionKey {
                        opens: false
                        Layout.fillWidth: true
                        Layout.fillHeight: true
                        onClicked: view.screen.choose(item.key)
                    }
                }
            }
            GridLayout {
                width: parent.width
                columns: view.columns
                columnSpacing: Theme.s1
                rowSpacing: Theme.s1
                uniformCellWidths: true

                Repeater {
                    model: view.model.options

                    ActionKey {
                        required property OptionItem item

                        Layout.fillWidth: true
                        Layout.fillHeight: true
                        Layout.preferredHeight: Theme.target
                        ground: Theme.sunken
                        letterSize: Theme.label
                        text: item.title
                        note: item.detail
                        off: !item.usable
                        onClicked: view.screen.choose(item.key)
                    }
                }
            }
            GridLayout {
                width: parent.width
                columns: 2
                columnSpacing: Theme.s2
                uniformCellWidths: true

                Repeater {
                    model: view.model.waysOut

                    ActionKey {
                        required property OptionItem item
                        required property int index

                        Layout.fillWidth: true
                        Layout.fillHeight: true
                        Layout.preferredHeight: Theme.target
                        primary: index === 0
                        letterSize: Theme.label
                        text: item.title
                        note: item.detail
                        off: !item.usable
                        onClicked: view.screen.choose(item.key)
                    }
                }
            }
        }
    }
}
