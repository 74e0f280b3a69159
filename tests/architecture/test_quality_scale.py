"""The quality scale says nothing that no test proves: each row names one that exists and is of that driver."""

from __future__ import annotations

import ast
import importlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from devices.registry import DRIVERS
from devices.roles import PORTS

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "devices" / "testing"
SCALE: dict[str, Any] = tomllib.loads((ROOT / "config" / "quality_scale.toml").read_text(encoding="utf-8"))
RULES: dict[str, str] = SCALE["rules"]
TABLES: dict[str, dict[str, Any]] = SCALE["drivers"]
WIRES = {"serial", "tcp", "pcsc", "ipp", "http", "usb", "hid", "subprocess", "scripted"}
OF_EVERY_DRIVER = {"conformance", "docs"}  # proved for all ports by one test, which names no driver
ROWS = [(driver, rule, test) for driver, table in TABLES.items() for rule, test in table["earned"].items()]


@cache
def classes(path: Path) -> dict[str, ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


@cache
def suites() -> dict[str, ast.ClassDef]:
    return {name: node for path in sorted(SUITES.glob("*.py")) for name, node in classes(path).items()}


def functions(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def lineage(path: Path, name: str) -> list[ast.ClassDef]:
    """Return a class and what it inherits from, in its file and in the suites."""
    found = classes(path).get(name) or suites().get(name)
    if found is None:
        return []
    bases = [ast.unparse(base).partition("[")[0] for base in found.bases]
    return [found, *(node for base in bases for node in lineage(path, base))]


def exists(test: str) -> bool:
    """Tell whether ``path::test``, ``path::Class`` or ``path::Class::test`` is there; of a case, its id's words."""
    test, _, case = test.partition("[")
    file, *names = test.split("::")
    path = ROOT / file
    if not path.is_file() or not names or case.rstrip("]") not in path.read_text(encoding="utf-8"):
        return False
    if names[0] in functions(ast.parse(path.read_text(encoding="utf-8")).body):
        return len(names) == 1
    family = lineage(path, names[0])
    return bool(family) and (len(names) == 1 or any(names[1] in functions(node.body) for node in family))


def test_every_driver_has_a_table_and_every_table_a_driver() -> None:
    assert TABLES.keys() == DRIVERS.keys()


@pytest.mark.parametrize("driver", TABLES)
def test_table_names_port_and_wire_as_they_are(driver: str) -> None:
    table = TABLES[driver]
    module, name = DRIVERS[driver]
    built = getattr(importlib.import_module(module), name)
    assert table["port"] in {port.__name__ for port in PORTS.values()}
    assert table["port"] in {kind.__name__ for kind in built.__mro__}
    assert table["wire"] in WIRES
    assert table.keys() == {"port", "wire", "earned", "missing"}


@pytest.mark.parametrize("driver", TABLES)
def test_every_rule_is_earned_or_missing_with_a_reason_and_never_both(driver: str) -> None:
    earned, missing = TABLES[driver]["earned"], TABLES[driver]["missing"]
    assert earned.keys() | missing.keys() == RULES.keys()
    assert not earned.keys() & missing.keys()
    for rule, reason in missing.items():
        assert len(reason.split()) >= 4, f"{rule}: a reason is a sentence"


@pytest.mark.parametrize("driver", TABLES)
def test_wire_that_no_container_has_is_said_to_be_scripted(driver: str) -> None:
    table = TABLES[driver]
    assert ("real_wire" in table["earned"]) == (table["wire"] != "scripted")
    assert "real_wire" in table["earned"] or "scripted" in table["earned"]


@pytest.mark.parametrize(("driver", "rule", "test"), ROWS, ids=[f"{driver}-{rule}" for driver, rule, _ in ROWS])
def test_row_names_a_test_that_exists_and_is_of_this_driver(driver: str, rule: str, test: str) -> None:
    assert exists(test), test
    if rule in OF_EVERY_DRIVER:
        return
    file = ROOT / test.partition("::")[0]
    near = [file, *file.parent.glob("conftest.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in near)
    assert DRIVERS[driver][1] in source or f'"{driver}"' in source, f"{test} does not mention the driver"


@pytest.mark.parametrize("driver", TABLES)
def test_contract_row_is_a_subclass_of_the_ports_suite(driver: str) -> None:
    file, name = TABLES[driver]["earned"]["contract"].split("::")
    suite = f"{TABLES[driver]['port']}Contract"
    assert suite in {node.name for node in lineage(ROOT / file, name)}


@pytest.mark.parametrize("driver", TABLES)
def test_pages_say_how_a_driver_is_set_up_and_what_it_was_tried_on(driver: str) -> None:
    assert f"\n## {driver}\n" in (ROOT / "docs" / "drivers.md").read_text(encoding="utf-8")
    assert driver in (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")


def test_every_rule_is_told_in_words() -> None:
    for rule, words in RULES.items():
        assert len(words.split()) >= 6, rule


def test_test_that_is_not_there_is_not_taken_for_one() -> None:
    here = "tests/architecture/test_quality_scale.py"
    assert exists(f"{here}::test_every_rule_is_told_in_words")
    for wrong in ("::test_invented", "", "::test_every_rule_is_told_in_words::more", "::TestInvented::test"):
        assert not exists(here + wrong)
    assert not exists("tests/contract/test_invented.py::test_a")
