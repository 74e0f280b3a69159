"""Settings: frozen dataclasses filled from layers; every problem is told at once, with source and key.

Layers, later ones win: defaults of the classes ← ``config/terminal.toml`` ← profile ← site file ← overlays (the
simulated world of the demo, a visit file). Secrets are files named here, never values. docs/settings.md is made from
these classes.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from devices.registry import PHOTO_DECODERS
from devices.roles import PORTS
from kiosk.errors import SettingsError
from kiosk.views import Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONFIG = Path(__file__).parent.parent / "config"


class Profile(enum.StrEnum):
    """What the machine is."""

    DEMO = "demo"
    COMMUNITY = "community"
    LAB = "lab"


SIMULATION_ALLOWED = frozenset({Profile.DEMO, Profile.LAB})
"""Simulators and security-skip switches are refused elsewhere (docs/privacy.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A short text in every language of the interface."""

    zh_CN: str  # noqa: N815 - a language code
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Another machine or window the resident can be sent to."""

    name: Words
    hours: Words
    way: Words  # distance or address in words


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSettings:
    """Which machine this is."""

    kiosk: str = "K0001"  # as enrolled at central; part of every item's identity
    name: Words = Words(zh_CN="本机", en="This machine")
    state_dir: str = "/var/lib/tongban"
    language: str = "zh_CN"
    timezone: str = "Asia/Shanghai"  # of slips, screens and the date; the machine itself may run on UTC
    help_phone: str = "12345"
    elsewhere: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds. Sources: requirements of the journey; WCAG 2.2.1 asks for at least 20 s to answer a warning."""

    idle_s: float = 60
    idle_short_s: float = 30  # result, money and signature screens
    answer_s: float = 30
    session_cap_s: float = 1200
    cap_warning_s: float = 120
    elder_factor: float = 2
    card_hint_s: float = 10  # card not read by then: say how to lay it
    face_s: float = 25  # one attempt to look into the camera
    settle_s: float = 15  # a case sent while online has its receipt by then, or counts as taken in
    decision_s: float = 60
    print_s: float = 120  # a blocked printer is waited for this long
    paper_take_s: float = 60
    card_take_s: float = 60  # card still lying there: tell the operator
    cleared_s: float = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """The engine that compares, and what its word is worth."""

    engine: str = "none"  # "local": dlib in a child process; "none": no face step
    match_at: float = 0.41  # distance of the averaged recipe at or below which the engine says match
    no_match_at: float = 0.51  # at or above which it says no match; between: unsure
    liveness: str = "none"  # "sim" only in demo and lab
    second_factor: str = "sms"  # asked beside the face while the built-in engine decides; "none" for certified ones


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralSettings:
    """Where central is and how it is recognised."""

    url: str = ""
    tls_ca: str = ""  # PEM file: the only authority accepted for the connection
    document_ca: str = ""  # PEM file: the only authority accepted for documents
    anchors: str = ""  # JSON file: central's keys for sealing and for signed replies
    token_file: str = ""
    tls_client: str = ""  # PEM file: the terminal's own certificate and its key
    refresh_s: float = 60  # how often the catalogue's state is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """What the kiosk's own key is kept in (docs/how-to/keys.md)."""

    kind: str = "file"  # "token": a TPM or another token behind PKCS#11
    file: str = ""  # empty: kiosk.key in terminal.state_dir
    module: str = ""  # the token's PKCS#11 library, whole path
    token: str = ""  # the token's label
    label: str = "tongban-kiosk"  # the key's label in the token
    pin_file: str = ""  # the token's user PIN on one line; mode 0600


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Take-in closes before the resident starts when one is reached (docs/adr/0005)."""

    unsent_items: int = 500
    unsent_age_h: float = 72
    disk_free_mb: int = 1024
    catalogue_age_d: float = 7  # since central last confirmed the services


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSettings:
    """The technician's service mode (docs/how-to/service-mode.md)."""

    technician_ca: str = ""  # PEM file: who issues technicians' cards; empty: the mode cannot be entered at the screen
    visit_end_s: float = 180  # a visit under way may finish within this
    lock_s: float = 300  # nobody touched the screen for so long: card and PIN again
    dry_run_service: str = ""  # code of the service the dry run uses; empty: the first that needs no identity
    sheets_full: int = 500  # sheets of a full tray, where the printer does not count them
    slips_full: int = 600  # slips of a full roll
    toner_sheets: int = 3000  # sheets of a full cartridge
    head_slips: int = 500000  # slips a thermal head prints in its life
    warn_days: int = 3  # supplies that end sooner are told; before a weekend two days earlier
    export_days: int = 7  # of log lines kept for the log export
    usb_root: str = "/media"  # below it USB sticks are mounted
    burn_in_s: float = 3600
    heartbeat_s: float = 3600  # longest pause between two whole heartbeats
    heartbeat_again_s: float = 60  # what is in trouble is tried again so often
    quiet_s: float = 60  # nobody touched the glass for so long: a heartbeat may begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What only a demo or a laboratory may do."""

    world: bool = False  # start simulated devices and take their addresses
    roles: tuple[str, ...] = ()  # of simulated devices; empty: all under devices; the others are real
    central: bool = False  # start a central of its own
    dock: str = ""  # address of the world's control page


class Isolation(enum.StrEnum):
    """Where a driver runs (docs/adr/0013)."""

    THREAD = "thread"  # in the terminal's process
    PROCESS = "process"  # in one of its own: a crash, a hang or a flood of its library ends there


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """What a driver's own process may take."""

    nice: int = 0  # 0 to 19: how far it stands back behind the terminal
    memory_mb: int = 0  # of address space, libraries included; 0: no limit


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """One device: the driver's name in the registry, where it runs, and its options."""

    driver: str
    isolation: Isolation = Isolation.THREAD
    process: ProcessSettings = ProcessSettings()
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a terminal."""

    profile: Profile
    terminal: TerminalSettings = TerminalSettings()
    timings: Timings = Timings()
    devices: Mapping[str, DeviceSettings] = field(default_factory=dict)
    photo_decoder: str = "none"
    face: FaceSettings = FaceSettings()
    central: CentralSettings = CentralSettings()
    keys: KeySettings = KeySettings()
    limits: Limits = Limits()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    simulation: Simulation = Simulation()
    catalogue: str = str(CONFIG / "catalogue")
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)

    def effective(self) -> Iterator[tuple[str, object, str]]:
        """Yield (key, value, origin) of every setting in force."""
        for key, value in _leaves(self, ""):
            if not key.startswith("origins"):
                yield key, value, self.origins.get(key, "default")


DEVICE_ROLES = tuple(PORTS)
DEVICE_KEYS = frozenset({"driver", "isolation", "process"})
"""Keys of a device's table that are not its driver's options."""
NICE_MAX = 19  # setpriority(2)


def load(profile: str, *, overlays: Sequence[tuple[str, Mapping[str, object]]] = (), config: Path = CONFIG) -> Settings:
    """Merge the layers of ``profile``. Raises ``SettingsError`` with every problem found."""
    problems: list[str] = []
    profiles = [p.value for p in Profile]
    if profile not in profiles:
        raise SettingsError([f"--profile: {profile!r} is unknown; known are {', '.join(profiles)}"])
    layers: list[tuple[str, Mapping[str, object]]] = []
    for source in (config / "terminal.toml", config / "profiles" / f"{profile}.toml", config / "site.toml"):
        try:
            if source.exists():
                layers.append((source.name, tomllib.loads(source.read_text(encoding="utf-8"))))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(f"{source.name}: not valid TOML: {error}")
        except OSError as error:
            problems.append(f"{source.name}: cannot be read: {error}")
    layers.extend(overlays)
    merged: dict[str, object] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        _merge(merged, layer, origin, "", origins)
    merged["profile"] = profile
    settings = typing.cast("Settings", _build(Settings, merged, "", origins, problems))
    if not problems:
        settings = dataclasses.replace(settings, origins=origins)
        problems.extend(_judge(settings))
    if problems:
        raise SettingsError(problems)
    return settings


def _merge(into: dict[str, object], layer: Mapping[str, object], origin: str, at: str, origins: dict[str, str]) -> None:
    for key, value in layer.items():
        path = f"{at}{key}"
        if value is None:  # only a program says it: the table of a machine that is not there
            into.pop(key, None)
            continue
        if isinstance(value, dict):
            below = into.setdefault(key, {})
            if isinstance(below, dict):
                _merge(below, value, origin, f"{path}.", origins)
                continue
        into[key] = value
        origins[path] = origin


def _where(path: str, origins: Mapping[str, str]) -> str:
    origin = origins.get(path) or next((o for key, o in origins.items() if key.startswith(f"{path}.")), "settings")
    return f"{origin}: {path}"


def _build(kind: type, data: Mapping[str, object], at: str, origins: Mapping[str, str], problems: list[str]) -> object:
    """Fill the dataclass ``kind`` from ``data``; problems are collected, not raised."""
    hints = typing.get_type_hints(kind)
    known = {f.name: f for f in dataclasses.fields(kind) if f.name != "origins"}
    problems.extend(
        f"{_where(at + key, origins)}: unknown key; known are {', '.join(sorted(known))}" for key in data.keys() - known
    )
    values: dict[str, object] = {}
    for name, known_field in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f"{at}{name}", origins, problems)
        elif known_field.default is dataclasses.MISSING and known_field.default_factory is dataclasses.MISSING:
            problems.append(f"{_where(at.rstrip('.') or name, origins)}: {name} is missing")
    try:
        return kind(**values)
    except TypeError:
        return None  # a missing key, already told


def _value(hint: typing.Any, value: object, path: str, origins: Mapping[str, str], problems: list[str]) -> object:  # noqa: PLR0911
    where = _where(path, origins)
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            problems.append(f"{where}: expected a table, found {type(value).__name__}")
            return None
        if hint is DeviceSettings:
            rest = {key: item for key, item in value.items() if key not in DEVICE_KEYS}
            value = {"options": rest} | {key: value[key] for key in DEVICE_KEYS if key in value}
        return _build(hint, value, f"{path}.", origins, problems)
    if origin is tuple:
        if not isinstance(value, list):
            problems.append(f"{where}: expected a list, found {type(value).__name__}")
            return ()
        inner = typing.get_args(hint)[0]
        return tuple(_value(inner, item, f"{path}[{i}]", origins, problems) for i, item in enumerate(value))
    if origin is Mapping:
        inner = typing.get_args(hint)[1]
        if not isinstance(value, dict):
            problems.append(f"{where}: expected a table, found {type(value).__name__}")
            return {}
        if inner is object:
            problems.extend(f"{where}.{key}: {item!r} is no number" for key, item in value.items() if _endless(item))
            return dict(value)
        return {key: _value(inner, item, f"{path}.{key}", origins, problems) for key, item in value.items()}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        known_words = [member.value for member in hint]
        if value not in known_words:
            problems.append(f"{where}: {value!r} is unknown; known are {', '.join(known_words)}")
            return None
        return hint(value)
    return _scalar(hint, value, where, problems)


def _scalar(hint: typing.Any, value: object, where: str, problems: list[str]) -> object:
    accepted = (int, float) if hint is float else (hint,)
    if isinstance(hint, types.UnionType):
        accepted = typing.get_args(hint)
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        problems.append(f"{where}: expected {getattr(hint, '__name__', hint)}, found {value!r}")
    elif _endless(value):
        problems.append(f"{where}: {value!r} is no number")
    return value


def _endless(value: object) -> bool:
    """Tell whether TOML's ``inf`` or ``nan``, or an integer no float can hold, stands where a number is meant."""
    try:
        return isinstance(value, int | float) and not math.isfinite(value)
    except OverflowError:
        return True


def _judge(settings: Settings) -> list[str]:
    """Return what each value alone cannot show to be wrong."""
    origins = settings.origins
    problems = [
        f"{_where(f'devices.{role}', origins)}: unknown role; known are {', '.join(DEVICE_ROLES)}"
        for role in settings.devices
        if role not in DEVICE_ROLES
    ]
    problems.extend(
        f"{_where('simulation.roles', origins)}: unknown role {role!r}; known are {', '.join(DEVICE_ROLES)}"
        for role in settings.simulation.roles
        if role not in DEVICE_ROLES
    )
    for role, device in settings.devices.items():
        key = f"devices.{role}.process"
        if not 0 <= device.process.nice <= NICE_MAX:
            problems.append(f"{_where(f'{key}.nice', origins)}: needs 0 to {NICE_MAX}")
        if device.process.memory_mb < 0:
            problems.append(f"{_where(f'{key}.memory_mb', origins)}: must not be below 0")
    positive = [f"timings.{timing.name}" for timing in dataclasses.fields(Timings)]
    positive += [f"maintenance.{name}" for name in MAINTENANCE_POSITIVE]
    positive += ["central.refresh_s", "limits.unsent_items", "limits.unsent_age_h", "limits.catalogue_age_d"]
    problems.extend(f"{_where(key, origins)}: must be above 0" for key in positive if _get(settings, key) <= 0)
    problems.extend(
        f"{_where(key, origins)}: {_get(settings, key)!r} is unknown; known are {', '.join(known)}"
        for key, known in KNOWN.items()
        if _get(settings, key) not in known
    )
    if settings.limits.disk_free_mb < 0:
        problems.append(f"{_where('limits.disk_free_mb', origins)}: must not be below 0")
    if not KIOSK_NAME.fullmatch(settings.terminal.kiosk):
        problems.append(
            f"{_where('terminal.kiosk', origins)}: {settings.terminal.kiosk!r} is no name of a terminal:"
            " 1 to 32 of A-Z a-z 0-9 . _ -"
        )
    try:
        ZoneInfo(settings.terminal.timezone)
    except (OSError, ValueError, LookupError):  # a folder, a path, an unknown name
        problems.append(f"{_where('terminal.timezone', origins)}: {settings.terminal.timezone!r} is no time zone")
    if settings.central.url and (reason := _url_problem(settings.central.url, settings.profile)):
        problems.append(f"{_where('central.url', origins)}: {reason}")
    if settings.keys.kind == "token":
        problems.extend(
            f"{_where(key, origins)}: is needed for a key in a token (docs/how-to/keys.md)"
            for key in ("keys.module", "keys.token", "keys.label", "keys.pin_file")
            if not _get(settings, key)
        )
    face = settings.face
    if not 0 < face.match_at < face.no_match_at < FACE_DISTANCE_CEILING:
        problems.append(
            f"{_where('face.match_at', origins)}: needs 0 < match_at < no_match_at < {FACE_DISTANCE_CEILING}:"
            " the engine's own default of 0.6 takes one in three different people of one region for the same"
        )
    if settings.profile not in SIMULATION_ALLOWED:
        simulated = {
            "face.liveness": face.liveness == "sim",
            "photo_decoder": settings.photo_decoder.startswith("sim"),
            "simulation.world": settings.simulation.world,
            "simulation.central": settings.simulation.central,
            "simulation.dock": bool(settings.simulation.dock),
            **{f"devices.{role}.driver": device.driver.startswith("sim-") for role, device in settings.devices.items()},
        }
        problems.extend(
            f"{_where(key, origins)}: simulators are refused in the profile {settings.profile}; remove the key"
            for key, asked in simulated.items()
            if asked
        )
    return problems


def _get(settings: Settings, key: str) -> typing.Any:
    value: typing.Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _url_problem(url: str, profile: Profile) -> str:
    """Return why central cannot be asked at ``url``; personal data travels there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError as error:
        return f"{url!r} is no address: {error}"
    if parts.scheme == "http" and host in LOOPBACK and profile in SIMULATION_ALLOWED:
        return ""
    if parts.scheme != "https" or not host:
        return f"{url!r}: central is reached by https://; plain http only on this machine, in demo and lab"
    return ""


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
KIOSK_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
"""Stands in addresses, headers and file names."""

KNOWN: Mapping[str, tuple[str, ...]] = {
    "terminal.language": tuple(language.value for language in Language),
    "face.engine": ("none", "local"),
    "face.liveness": ("none", "sim"),
    "face.second_factor": ("sms", "none"),
    "keys.kind": ("file", "token"),
    "photo_decoder": tuple(PHOTO_DECODERS),
}
"""Closed sets. A word that is not in them would take the face step away, or the second factor, without a sound."""

MAINTENANCE_POSITIVE = (
    "visit_end_s",
    "lock_s",
    "sheets_full",
    "slips_full",
    "toner_sheets",
    "head_slips",
    "warn_days",
    "export_days",
    "burn_in_s",
    "heartbeat_s",
    "heartbeat_again_s",
    "quiet_s",
)

FACE_DISTANCE_CEILING = 0.6
"""Distances at or above this never count as the same person, whatever the settings say (docs/adr/0006)."""


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for item in dataclasses.fields(value):
            yield from _leaves(getattr(value, item.name), f"{path}.{item.name}" if path else item.name)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}".replace(".options.", "."))
    else:
        yield path, value
