"""Writes the pages that are made from the code: events, errors, settings, journeys, drivers. ``--check`` compares."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import sys
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from devices.errors import DeviceCode
from devices.registry import DRIVERS
from devices.roles import PORTS
from kiosk import errors, events, settings
from kiosk.catalogue import model
from kiosk.catalogue.plan import plan
from kiosk.errors import RECOVERY, KioskCode
from kiosk.texts import catalogue
from kiosk.views import Language
from offline_queue.errors import QueueCode

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
HEAD = "<!-- Made by `python -m kiosk.docs`; edit the code, not this page. -->\n\n"


def events_page() -> str:
    """Return docs/events.md."""
    lines = [
        "# Events",
        "",
        "Everything the terminal says of itself, one JSON line each on standard output. No event holds personal data;",
        "a visit is named by a random id. Audited events (●) also belong into the audit record.",
        "",
        "| event | | meaning | fields |",
        "|---|---|---|---|",
    ]
    kinds = [kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, events.Event)]
    for kind in sorted(kinds, key=lambda kind: inspect.getsourcelines(kind)[1]):
        if kind is events.Event:
            continue
        fields = ", ".join(f"`{field.name}`" for field in dataclasses.fields(kind))
        lines.append(f"| `{kind.__name__}` | {'●' if kind.audited else ''} | {_one_line(kind)} | {fields} |")
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Return docs/errors.md: the policy table, and what residents read for each code."""
    lines = [
        "# Errors",
        "",
        "Devices, queue and core say *what happened*; one table says what the terminal does about it.",
        "",
        "| error | meaning | what the terminal does |",
        "|---|---|---|",
    ]
    for kind, recovery in sorted(RECOVERY.items(), key=lambda entry: (entry[0].__module__, entry[0].__name__)):
        lines.append(f"| `{kind.__module__}.{kind.__name__}` | {_one_line(kind)} | {recovery.value} |")
    lines += [
        "",
        "## Codes",
        "",
        "What residents read; `—` where only staff ever see the code.",
        "",
        "| code | 中文 | English |",
    ]
    lines.append("|---|---|---|")
    chinese, english = catalogue(Language.ZH_CN), catalogue(Language.EN)
    codes: list[enum.StrEnum] = [*DeviceCode, *KioskCode, *QueueCode]
    for code in codes:
        key = f"fault.{code.value}.happened"
        lines.append(f"| `{code.value}` | {chinese.get(key, '—')} | {english.get(key, '—')} |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "TOML, in layers: defaults ← `config/terminal.toml` ← `config/profiles/<profile>.toml` ← `config/site.toml`.",
        "`python main.py --profile P --check-config` prints what is in force and where each value comes from.",
        "",
        "| key | type | default |",
        "|---|---|---|",
    ]
    lines += [f"| `{key}` | {kind} | {default} |" for key, kind, default in _settings(settings.Settings, "")]
    return "\n".join(lines) + "\n"


def drivers_page() -> str:
    """Return docs/drivers.md: every driver of the registry with its options."""
    lines = [
        "# Drivers",
        "",
        "Named in `devices.<role>.driver`; the options stand beside it. What each has proved, and where:",
        "`config/quality_scale.toml`. Addresses, wires and limits: [devices.md](devices.md).",
    ]
    for name, (module, attribute) in DRIVERS.items():
        kind = getattr(importlib.import_module(module), attribute)
        port = next(base for base in kind.__mro__ if base in PORTS.values())
        options = list(inspect.signature(kind).parameters.values())[1:]
        lines += ["", f"## {name}", "", f"Port: `{port.__name__}`", "", _text(kind), ""]
        lines += ["| option | type | default |", "|---|---|---|"]
        for option in options:
            default = "—" if option.default is option.empty else f"`{_shown(option.default)}`"
            lines.append(f"| `{option.name}` | {str(option.annotation).replace('|', 'or')} | {default} |")
    return "\n".join(lines) + "\n"


def _text(kind: type) -> str:
    return (inspect.getdoc(kind) or "").replace("``", "`")


def _shown(default: object) -> object:
    return dict(default) if isinstance(default, Mapping) else default


def journeys_page() -> str:
    """Return docs/journeys.md: each shipped service as a flow chart, made from its package."""
    loaded, refused = model.load(ROOT / "config" / "catalogue")
    if refused:
        raise errors.PackageError([problem for error in refused for problem in error.problems])
    lines = [
        "# Journeys",
        "",
        "Each service's journey is made from its package (`config/catalogue/`) by `kiosk/catalogue/plan.py`.",
    ]
    for package in loaded.packages:
        chart = plan(package, settings.FaceSettings()).to_mermaid()
        lines += [
            "",
            f"## {package.title.zh_CN} · {package.title.en}",
            "",
            f"`{package.code}`",
            "",
            "```mermaid",
            chart,
            "```",
        ]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "events.md": events_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
    "journeys.md": journeys_page,
    "drivers.md": drivers_page,
}


def stale() -> list[str]:
    """Return the names of pages that are not what the code says."""
    return [
        name
        for name, page in PAGES.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != HEAD + page()
    ]


def main() -> int:
    """Write the pages, or with ``--check`` name the stale ones."""
    if "--check" in sys.argv[1:]:
        found = stale()
        for name in found:
            sys.stderr.write(f"docs/{name} is stale: run python -m kiosk.docs\n")
        return 1 if found else 0
    for name, page in PAGES.items():
        (DOCS / name).write_text(HEAD + page(), encoding="utf-8")
    return 0


def _one_line(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()).split(". ")[0].rstrip(".")


def _settings(kind: type, at: str) -> Iterator[tuple[str, str, str]]:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint, path = hints[field.name], f"{at}{field.name}"
        if field.name in {"origins", "profile"}:
            continue
        if dataclasses.is_dataclass(hint) and isinstance(hint, type) and hint is not settings.Words:
            yield from _settings(hint, f"{path}.")
        elif path == "devices":
            roles = ", ".join(settings.DEVICE_ROLES)
            yield "devices.<role>.driver", f"one of the registry; roles: {roles}", "—"
            yield "devices.<role>.isolation", "thread, process", "`thread`"
            yield from _settings(settings.ProcessSettings, "devices.<role>.process.")
            yield "devices.<role>.<option>", "as the driver's constructor names it", "—"
        else:
            default = field.default if field.default is not dataclasses.MISSING else "—"
            shown = "config/catalogue" if path == "catalogue" else default
            shown = "texts" if isinstance(default, settings.Words) else shown
            name = getattr(hint, "__name__", str(hint)).replace("kiosk.settings.", "")
            yield path, name, f"`{shown}`"


if __name__ == "__main__":
    sys.exit(main())
