"""A manufacturer's package, installed as one would be, into a folder of this run's own."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devices import registry
from devices.hosted.confine import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from devices.hosted.proxy import HostedDevice

PACKAGE = Path(__file__).parents[1] / "packages" / "acme-kiosk"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder the package is installed in; the environment of this run stays as it is."""
    folder = tmp_path_factory.mktemp("acme")
    source, target = folder / "source", folder / "site"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    command += ["--disable-pip-version-check", "--no-warn-script-location", "--target", str(target), str(source)]
    home = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def acme(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let this process, and those it starts, find the package."""
    monkeypatch.syspath_prepend(str(installed))
    importlib.invalidate_caches()
    yield installed
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_kiosk"]:
        del sys.modules[name]


@pytest.fixture
async def make(acme: Path) -> AsyncIterator[Callable[..., HostedDevice]]:
    """Make hosted devices; all are closed in the end."""
    made: list[HostedDevice] = []

    def one(
        driver: str, name: str = "receipt_printer", limits: Limits | None = None, **options: object
    ) -> HostedDevice:
        device = registry.create_hosted(driver, name, options, limits or Limits())
        made.append(device)
        return device

    yield one
    for device in made:
        await device.close()
