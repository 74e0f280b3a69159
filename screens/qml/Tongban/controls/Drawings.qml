// SPDX-License-Identifier: GPL-3.0-or-later
pragma Singleton

import QtQuick

// The screen's own drawings on a grid of 48 by 48, as outlines without fill.
QtObject {
    readonly property var paths: ({
            // controls
            "back": "M29 11 L16 24 L29 37",
            "forward": "M19 12 L31 24 L19 36",
            "up": "M11 30 L24 17 L37 30",
            "down": "M11 18 L24 31 L37 18",
            "leave": "M27 8 H12 a3 3 0 0 0 -3 3 V37 a3 3 0 0 0 3 3 H27 M20 24 H40 M33 16 L41 24 L33 32",
            "help": "M8 30 V23 a16 16 0 0 1 32 0 V30 M8 26 h5 a2 2 0 0 1 2 2 v7 a2 2 0 0 1 -2 2 h-2 a3 3 0 0 1 -3 -3 z M40 26 h-5 a2 2 0 0 0 -2 2 v7 a2 2 0 0 0 2 2 h2 a3 3 0 0 0 3 -3 z M38 36 c0 5 -4 6 -10 6",
            "large_type": "M4 38 L16 9 L28 38 M8.5 28 H23.5 M30 38 L37.5 20 L45 38 M32.5 32 H42.5",
            "normal_type": "M12 38 L24 9 L36 38 M16.5 28 H31.5",
            "language": "M24 5 a19 19 0 1 0 0.01 0 M5 24 H43 M24 5 c-12 11 -12 27 0 38 M24 5 c12 11 12 27 0 38",
            "search": "M21 8 a13 13 0 1 0 0.01 0 M31 31 L41 41",
            "close": "M13 13 L35 35 M35 13 L13 35",
            "check": "M10 25 L20 35 L39 14",
            "pencil": "M9 39 l2 -9 L31 10 a3 3 0 0 1 4 0 l3 3 a3 3 0 0 1 0 4 L18 37 z M27 14 L34 21",
            "plus": "M24 10 V38 M10 24 H38",
            "minus": "M10 24 H38",
            // what a resident comes for
            "services": "M10 6 H30 L38 14 V42 H10 z M30 6 V14 H38 M17 22 H31 M17 29 H31 M17 36 H25",
            "certificate": "M7 9 H41 V33 H29 M19 33 H7 V9 M14 17 H34 M14 24 H27 M24 28 a5.5 5.5 0 1 0 0.01 0 M20.5 38 L19 45 L24 42 L29 45 L27.5 38",
            "query": "M31 42 H9 V6 H26 L34 14 V18 M26 6 V14 H34 M16 22 H22 M16 29 H20 M30 22 a7.5 7.5 0 1 0 0.01 0 M35.5 35 L42 41.5",
            "complaint": "M7 9 H41 V33 H25 L15 42 V33 H7 z M24 15 V23 M24 27.5 V28",
            "pension": "M24 7 a7 7 0 1 0 0.01 0 M9 41 c0 -11 6 -15 15 -15 c9 0 15 4 15 15 M33 30 V41",
            "person": "M24 7 a8 8 0 1 0 0.01 0 M8 42 c0 -11 7 -15 16 -15 c9 0 16 4 16 15",
            "people": "M18 10 a6.5 6.5 0 1 0 0.01 0 M5 40 c0 -9 5 -13 13 -13 c8 0 13 4 13 13 M32 11 a6 6 0 0 1 0 12 M36 28 c5 1 7 5 7 12",
            "family": "M16 8 a6 6 0 1 0 0.01 0 M4 40 V36 c0 -8 5 -11 12 -11 c4 0 7 1 9 3 M34 20 a5 5 0 1 0 0.01 0 M24 41 c0 -7 4 -9 10 -9 c6 0 10 2 10 9",
            "house": "M7 23 L24 8 L41 23 M12 20 V41 H36 V20 M20 41 V29 H28 V41",
            "health": "M24 41 C10 31 6 25 6 18 a9 9 0 0 1 18 -3 a9 9 0 0 1 18 3 c0 7 -4 13 -18 23 z M15 24 H20 L23 18 L27 29 L29 24 H34",
            "work": "M7 15 H41 V40 H7 z M17 15 V9 H31 V15 M7 26 H41 M24 24 V29",
            "business": "M8 20 L12 8 H36 L40 20 M8 20 V41 H40 V20 M8 20 a5.3 5.3 0 0 0 10.7 0 a5.3 5.3 0 0 0 10.6 0 a5.3 5.3 0 0 0 10.7 0 M19 41 V31 H29 V41",
            "traffic": "M7 27 L11 14 H37 L41 27 V37 H7 z M7 27 H41 M14 32 H15 M33 32 H34 M10 37 V41 H15 V37 M33 37 V41 H38 V37",
            "money": "M5 12 H43 V36 H5 z M24 17 L19 23 M24 17 L29 23 M24 21 V32 M19 24.5 H29 M19 28.5 H29",
            "school": "M24 10 L44 19 L24 28 L4 19 z M12 23 V34 c6 5 18 5 24 0 V23 M44 19 V31",
            "law": "M24 7 V41 M14 41 H34 M10 14 H38 M10 14 L4 28 H16 z M38 14 L32 28 H44 z",
            "book": "M24 12 c-5 -4 -11 -4 -18 -3 V37 c7 -1 13 -1 18 3 c5 -4 11 -4 18 -3 V9 c-7 -1 -13 -1 -18 3 z M24 12 V40",
            "verify": "M24 5 L40 11 V23 c0 10 -6 16 -16 20 c-10 -4 -16 -10 -16 -20 V11 z M16 24 L22 30 L32 18",
            // ways and things
            "phone": "M14 4 H34 V44 H14 z M21 38 H27",
            "clerk": "M24 6 a7 7 0 1 0 0.01 0 M11 34 c0 -8 5 -11 13 -11 c8 0 13 3 13 11 M5 34 H43 V42 H5 z",
            "card": "M5 11 H43 V37 H5 z M16 17 a4 4 0 1 0 0.01 0 M10 31 c0 -4 2 -6 6 -6 c4 0 6 2 6 6 M28 20 H37 M28 27 H37",
            "print": "M13 17 V6 H35 V17 M13 34 H6 V17 H42 V34 H35 M13 27 H35 V42 H13 z",
            "slip": "M12 5 H36 V42 L32 39 L28 42 L24 39 L20 42 L16 39 L12 42 z M18 14 H30 M18 21 H30 M18 28 H25",
            "sheet": "M10 5 H30 L38 13 V43 H10 z M30 5 V13 H38",
            "camera": "M5 14 H15 L18 9 H30 L33 14 H43 V39 H5 z M24 18 a8 8 0 1 0 0.01 0",
            "clock": "M24 6 a18 18 0 1 0 0.01 0 M24 14 V24 L31 29",
            "place": "M24 5 a14 14 0 0 1 14 14 c0 9 -8 17 -14 24 c-6 -7 -14 -15 -14 -24 a14 14 0 0 1 14 -14 z M24 14 a5 5 0 1 0 0.01 0",
            "again": "M39 24 a15 15 0 1 1 -5 -11.2 M35 5 V14 H26",
            "none": ""
        })

    function outline(name: string): string {
        return paths[name] ?? paths["services"];
    }
}
