"""``kioskctl``: the terminal's command line for people who look after it. Its commands are in ``cli_*.py``."""

from __future__ import annotations

import typer

from kiosk import cli_audit, cli_devices, cli_doctor, cli_queue, cli_slip, cli_world

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look after a terminal.")
app.add_typer(cli_world.app, name="world")
app.add_typer(cli_queue.app, name="queue")
app.add_typer(cli_audit.app, name="audit")
app.add_typer(cli_slip.app, name="slip")
app.add_typer(cli_devices.app, name="devices")
app.command()(cli_doctor.doctor)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
