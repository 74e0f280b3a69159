"""``kioskctl devices``: list, watch and test the devices of a stopped terminal, and prove one against its contract."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devices.manager import DeviceManager
from kiosk import cli_conformance
from kiosk.cli_doctor import is_running
from kiosk.cli_places import EXIT_REFUSED, QUEUE_FILE, Json, Profile, Site, State, load_settings, refuse, told
from kiosk.clock import SystemClock
from kiosk.device_maker import make_device
from kiosk.device_steps import steps_of
from kiosk.errors import SettingsError
from kiosk.simulated import world_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.device import Device
    from devices.errors import DeviceError
    from devices.health import Health
    from kiosk.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Look after the devices of a stopped terminal.")
Name = Annotated[str, typer.Argument(help="the device's role in the settings, such as id_reader")]
HELD = "a terminal is running on {folder} and holds its devices: stop it first; `kioskctl doctor` shows how they are"


class Hands(enum.StrEnum):
    """Who brings about what the contract asks for."""

    ASK = "ask"
    SIM = "sim"


@contextlib.contextmanager
def _stopped(profile: str, state: Path | None, site: Path | None) -> Iterator[tuple[Settings, str]]:
    """Yield the settings of a stopped terminal, and the control page of its simulated world, if it has one."""
    with told():
        settings = load_settings(profile, state, site)
        queue = Path(settings.terminal.state_dir) / QUEUE_FILE
        if is_running(queue):
            refuse(HELD.format(folder=queue.parent))
        with contextlib.ExitStack() as stack:
            dock = ""
            if settings.simulation.world:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tongban-world-")))
                overlays, dock = stack.enter_context(world_of(settings, folder))
                settings = load_settings(profile, state, site, overlays)
            yield settings, dock


def _made(settings: Settings, only: str = "") -> dict[str, Device]:
    """Make the devices, or the one named ``only``. Raises ``SettingsError`` with every problem."""
    if only and only not in settings.devices:
        raise SettingsError([f"no device {only!r} in the settings; there are {', '.join(settings.devices) or 'none'}"])
    made, problems = {}, []
    for role, wanted in settings.devices.items():
        if only in {"", role}:
            try:
                made[role] = make_device(role, wanted)
            except ValueError as error:
                problems.append(f"devices.{error}")
    if problems:
        raise SettingsError(problems)
    return made


def _row(settings: Settings, role: str, device: Device, health: Health, error: DeviceError | None) -> dict[str, Any]:
    plate, wanted = device.info(), settings.devices[role]
    return {
        "device": role,
        "driver": wanted.driver,
        "isolation": wanted.isolation.value,
        "state": health.state.value,
        "conditions": sorted(condition.value for condition in health.conditions),
        "address": plate.address,
        "model": plate.model,
        "serial": plate.serial,
        "error": str(error) if error is not None else "",
    }


def _tell(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False))
        return
    causes = f" ({', '.join(row['conditions'])})" if row["conditions"] else ""
    plate = " ".join(filter(None, (row["driver"], row["address"], row["model"], row["serial"])))
    typer.echo(f"{row['since']}  {row['device']:<17} {row['state']}{causes}  {plate}  {row['error']}".rstrip())


@app.command("list")
def list_(*, as_json: Json = False, state: State = None, profile: Profile = "community", settings: Site = None) -> None:
    """Open every device once and show how it is, with its name plate; status 1 when one cannot be used."""
    with _stopped(profile, state, settings) as (found, _):
        rows = asyncio.run(_listed(found, _made(found)))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for row in rows:
            _tell(row, as_json=False)
    if any(row["state"] not in {"ready", "degraded"} for row in rows):
        raise typer.Exit(EXIT_REFUSED)


async def _listed(settings: Settings, devices: dict[str, Device]) -> list[dict[str, Any]]:
    errors: dict[str, DeviceError | None] = {}
    manager = DeviceManager(devices, clock=SystemClock(), on_change=lambda role, _, error: errors.update({role: error}))
    await manager.start()
    rows = [
        _row(settings, role, device, manager.health(role), errors.get(role))
        | {"since": manager.since(role).isoformat(timespec="seconds")}
        for role, device in devices.items()
    ]
    await manager.stop()
    return rows


@app.command()
def watch(
    *,
    seconds: Annotated[float, typer.Option(help="end after so long; 0: at Ctrl-C")] = 0,
    as_json: Json = False,
    state: State = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Show every change of every device, one line each (with --json one object a line)."""
    with _stopped(profile, state, settings) as (found, _), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_watched(found, _made(found), seconds or None, as_json=as_json))


async def _watched(settings: Settings, devices: dict[str, Device], seconds: float | None, *, as_json: bool) -> None:
    def changed(role: str, health: Health, error: DeviceError | None) -> None:
        at = {"since": manager.since(role).isoformat(timespec="seconds")}
        _tell(_row(settings, role, devices[role], health, error) | at, as_json=as_json)

    manager = DeviceManager(devices, clock=SystemClock(), on_change=changed)
    try:
        async with asyncio.timeout(seconds):
            await manager.start()
            await manager.run()
    except TimeoutError:
        pass
    finally:
        await manager.stop()


@app.command("test")
def check(
    name: Name,
    *,
    as_json: Json = False,
    state: State = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Open one device, ask how it is and let it do one harmless thing; status 1 when something fails."""
    with _stopped(profile, state, settings) as (found, _):
        begin = time.monotonic()
        steps = asyncio.run(steps_of(name, _made(found, name)[name]))
    passed = all(step.passed for step in steps)
    if as_json:
        rows = [{"step": step.name, "passed": step.passed, "said": step.said, "s": step.seconds} for step in steps]
        typer.echo(json.dumps({"device": name, "passed": passed, "steps": rows}, ensure_ascii=False))
    else:
        for step in steps:
            typer.echo(f"{'passed' if step.passed else 'FAILED'}  {step.name:<12} {step.seconds:5.2f} s  {step.said}")
        typer.echo(f"{name}: {'passed' if passed else 'FAILED'} in {time.monotonic() - begin:.1f} s")
    if not passed:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def conformance(
    name: Name,
    *,
    hands: Annotated[Hands, typer.Option(help="ask a person here, or move the simulated world")] = Hands.ASK,
    out: Annotated[Path | None, typer.Option(help="folder of the report (default: in the terminal's folder)")] = None,
    only: Annotated[str, typer.Option(help="only points whose names match, as pytest's -k")] = "",
    as_json: Json = False,
    state: State = None,
    profile: Profile = "community",
    settings: Site = None,
) -> None:
    """Prove one device against its port's contract and write a dated report; status 1 when a point fails."""
    with _stopped(profile, state, settings) as (found, dock):
        _made(found, name)  # what is wrong in the settings is told before anybody is asked
        if hands is Hands.SIM and not dock:
            refuse("--hands sim: there is no simulated world in this profile")
        asked = cli_conformance.Asked(
            name=name, settings=found, dock=dock if hands is Hands.SIM else "", out=out, only=only, quiet=as_json
        )
        report = cli_conformance.prove(asked)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
    if report["counts"]["failed"]:
        raise typer.Exit(EXIT_REFUSED)
