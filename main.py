"""The terminal: parse arguments, load settings, build, run. ``python main.py --help`` lists the ways to run it."""

from __future__ import annotations

import sys

from kiosk.errors import SettingsError
from screens.arguments import arguments
from screens.start import check_config, run

EXIT_SETTINGS = 78  # <sysexits.h> EX_CONFIG: the service manager does not try again


def main() -> int:
    """Run the terminal; return the exit status."""
    asked = arguments()
    try:
        return check_config(asked) if asked.check_config else run(asked)
    except SettingsError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return EXIT_SETTINGS


if __name__ == "__main__":
    sys.exit(main())
