"""The rules every change keeps: texts complete, tables total, pages current, nothing of one machine inside."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from pathlib import Path

import pytest

import devices.errors
import kiosk.errors
import offline_queue.errors
from devices.errors import DeviceCode
from devices.health import Condition
from kiosk import docs
from kiosk.catalogue import model
from kiosk.catalogue.plan import plan
from kiosk.errors import RECOVERY, KioskCode, recovery_for
from kiosk.identity.face import Look
from kiosk.settings import FaceSettings
from kiosk.texts import catalogue
from kiosk.views import Language
from offline_queue.errors import QueueCode

ROOT = Path(__file__).parents[2]
PACKAGES = ("kiosk", "devices", "offline_queue", "screens", "central")
REVEALING = {
    # Modules that may turn a personal value into plain text, and why.
    "kiosk/case_desk.py",  # into the sealed body
    "kiosk/gateway_http.py",  # into a question to central, over TLS
    "kiosk/steps/fill_form.py",  # onto the glass, masked by class
    "kiosk/steps/review.py",  # onto the glass, masked by class
    "kiosk/steps/read_card.py",  # the masked name
    "kiosk/identity/prepare.py",  # the card's picture, for the face engine
    "kiosk/steps/print_document.py",  # the document for the printer
    "kiosk/documents/seal.py",  # compares the visible text with the sealed subject
    "kiosk/documents/guard.py",  # compares the sealed subject with the session
}


def sources() -> list[Path]:
    found = [ROOT / "main.py"]
    for package in PACKAGES:
        found += sorted((ROOT / package).rglob("*.py"))
    return found


def errors_of(module) -> list[type[Exception]]:
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize(
    "kind", [*errors_of(devices.errors), *errors_of(kiosk.errors), *errors_of(offline_queue.errors)]
)
def test_the_policy_table_knows_every_error(kind):
    assert any(base in RECOVERY for base in kind.__mro__), kind
    assert recovery_for(kind.__new__(kind)) is not None


def test_every_code_that_residents_can_meet_has_words_in_every_language():
    staff_only = {KioskCode.SETTINGS, KioskCode.PACKAGE, KioskCode.JOURNEY}
    for language in Language:
        known = catalogue(language)
        for code in [*DeviceCode, *QueueCode, *(set(KioskCode) - staff_only)]:
            for part in ("happened", "means", "do"):
                assert f"fault.{code.value}.{part}" in known, (language, code, part)


def test_every_closed_set_has_words_in_every_language():
    for language in Language:
        known = catalogue(language)
        for condition in Condition:
            assert f"print.blocked.{condition.value}" in known
        for look in Look:
            assert f"look.{look.value}" in known
        for field in model.FieldType:
            assert f"form.missing.{field.value}" in known


def test_both_languages_have_the_same_texts_with_the_same_places():
    chinese, english = catalogue(Language.ZH_CN), catalogue(Language.EN)
    assert chinese.keys() == english.keys()
    place = re.compile(r"{(\w+)[:}]")
    for key in chinese:
        assert set(place.findall(chinese[key])) == set(place.findall(english[key])), key


def test_every_text_key_the_core_names_exists():
    known = catalogue(Language.ZH_CN)
    for path in sorted((ROOT / "kiosk").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text"
            if called and node.args and isinstance(node.args[0], ast.Constant):
                assert node.args[0].value in known, f"{path.name}:{node.lineno}: {node.args[0].value}"


def test_only_the_named_modules_reveal_personal_values():
    found = set()
    for path in sorted((ROOT / "kiosk").rglob("*.py")) + sorted((ROOT / "screens").rglob("*.py")):
        if ".reveal()" in path.read_text(encoding="utf-8"):
            found.add(path.relative_to(ROOT).as_posix())
    assert found <= REVEALING, found - REVEALING


def test_every_shipped_package_makes_a_journey_that_checks_itself():
    loaded, refused = model.load(ROOT / "config" / "catalogue")
    assert not refused
    for package in loaded.packages:
        plan(package, FaceSettings())


def test_generated_pages_are_current():
    assert docs.stale() == []


def test_no_bare_task_can_vanish():
    for path in sources():
        if path.relative_to(ROOT).as_posix() == "devices/background.py":
            continue  # keeps them, waits for them, and says when one fails
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"create_task", "ensure_future"}:
                owner = ast.unparse(node.value)
                assert owner not in {"asyncio", "loop", "asyncio.get_running_loop()"}, f"{path}:{node.lineno}"


def test_the_project_names_no_machine_and_no_registry():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    address = re.compile(r"--(extra-)?index-url|files\.pythonhosted|pypi\.org/simple")
    here = re.compile(re.escape(f"{ROOT.parent}/"))
    for name in listed.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ".sh", ".qml", ".cfg"} and path.exists():
            content = path.read_text(encoding="utf-8")
            if name != "tests/architecture/test_architecture.py":
                assert not address.search(content), name
            assert not here.search(content), name


def test_packaging_and_config_never_become_packages():
    assert not (ROOT / "packaging" / "__init__.py").exists()
    assert not (ROOT / "config" / "__init__.py").exists()
