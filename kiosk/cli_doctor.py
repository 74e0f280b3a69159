"""``kioskctl doctor``: how a terminal is, running or stopped: the same sections as on its screen and its report.

Beside a running terminal only files are read. Of a stopped one the devices are opened, asked once and closed again.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from devices import registry
from devices.errors import DeviceError
from kiosk.cli_places import EXIT_REFUSED, QUEUE_FILE, Json, Profile, Site, State, load_settings, looking_at, told
from kiosk.cli_queue import figures_of
from kiosk.maintenance.findings import DeviceFinding, Section
from kiosk.maintenance.keeping import FOLDER
from kiosk.maintenance.sections import sections
from kiosk.maintenance.sections import told as as_plain
from kiosk.maintenance.survey import from_files
from kiosk.terminal import VERSION
from kiosk.texts import resolve
from kiosk.views import Colour, Language

if TYPE_CHECKING:
    from pathlib import Path

    from kiosk.settings import DeviceSettings, Settings

ASK_S = 10.0  # of one device: to open, say how it is and close
MARKS = {Colour.GREEN: "+", Colour.YELLOW: "!", Colour.RED: "X", Colour.GREY: "."}


def doctor(
    *,
    as_json: Json = False,
    language: Annotated[Language, typer.Option(help="of the words")] = Language.EN,
    devices: Annotated[bool, typer.Option(help="ask the devices of a stopped terminal")] = True,
    state: State = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Show how the terminal is, by sections; status 1 when something is red."""
    with told():
        wanted = load_settings(profile, state, settings)
        found = _look(wanted, ask_devices=devices)
    if as_json:
        typer.echo(json.dumps(as_plain(found), ensure_ascii=False))
    else:
        for section in found:
            _show(section, language)
    if any(section.colour is Colour.RED for section in found):
        raise typer.Exit(EXIT_REFUSED)


def _look(settings: Settings, *, ask_devices: bool) -> tuple[Section, ...]:
    from pathlib import Path  # noqa: PLC0415 - at run time only here

    state = Path(settings.terminal.state_dir)
    queue = None
    if (state / QUEUE_FILE).exists():
        with looking_at(state / QUEUE_FILE, still=True) as ledger:
            queue = figures_of(ledger, state / QUEUE_FILE)
    running = is_running(state / QUEUE_FILE)
    probed = None if running or not ask_devices else asyncio.run(_probed(settings))
    findings = from_files(settings, state / FOLDER, version=VERSION, running=running, queue=queue, devices=probed)
    return sections(findings)


def is_running(queue: Path) -> bool:
    """Tell whether a terminal owns the queue: it holds the lock beside it for as long as it lives."""
    try:
        handle = os.open(queue.with_name(queue.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)  # lets go of the lock, too
    return False


async def _probed(settings: Settings) -> tuple[DeviceFinding, ...]:
    return tuple(await asyncio.gather(*(_probe(role, wanted) for role, wanted in settings.devices.items())))


async def _probe(role: str, wanted: DeviceSettings) -> DeviceFinding:
    try:
        device = registry.create(wanted.driver, role, wanted.options)
    except ValueError as error:
        return DeviceFinding(role=role, driver=wanted.driver, state="absent", model=str(error))
    try:
        async with asyncio.timeout(ASK_S):
            await device.open()
            health, plate = await device.probe(), device.info()
    except (DeviceError, TimeoutError):
        return DeviceFinding(role=role, driver=wanted.driver, state="absent")
    finally:
        await device.close()
    conditions = tuple(sorted(condition.value for condition in health.conditions))
    return DeviceFinding(
        role=role,
        driver=wanted.driver,
        state=health.state.value,
        conditions=conditions,
        model=plate.model,
        serial=plate.serial,
    )


def _show(section: Section, language: Language) -> None:
    typer.echo(f"{MARKS[section.colour]} {resolve(section.title, language)}")
    for row in section.rows:
        typer.echo(f"    {MARKS[row.colour]} {resolve(row.label, language)}: {resolve(row.value, language)}")
        if row.detail:
            typer.echo(f"        {resolve(row.detail, language)}")
