"""Check the QML against the Python it is bound to: type information of the view models, then qmllint.

Run ``python packaging/qml_check.py`` (``make check`` does). It builds in ``build/qml``; a single warning fails.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import PySide6

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "screens" / "models"
QML = ROOT / "screens" / "qml"
BUILD = ROOT / "build" / "qml"
QT = Path(PySide6.__file__).parent / "Qt"
FOREIGN = ("qt6core_metatypes.json", "qt6gui_metatypes.json", "qt6qml_metatypes.json", "qt6quick_metatypes.json")
IMPORT_NAME, MAJOR, MINOR = "Tongban.Models", 1, 0


def tool(name: str, *arguments: str | Path) -> str:
    """Run one of PySide's tools and return what it printed. Raises ``CalledProcessError`` when it fails."""
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def constant_properties(source: Path) -> set[tuple[str, str]]:
    """Return (class, property) of each property declared constant: the dump tool leaves that out."""
    found = set()
    classes = [one for one in ast.parse(source.read_text(encoding="utf-8")).body if isinstance(one, ast.ClassDef)]
    for owner in classes:
        for method in (one for one in owner.body if isinstance(one, ast.FunctionDef)):
            for decorator in (one for one in method.decorator_list if isinstance(one, ast.Call)):
                if any(keyword.arg == "constant" for keyword in decorator.keywords):
                    found.add((owner.name, method.name))
    return found


def build_types() -> None:
    """Write ``build/qml``: a copy of the QML module and the type information of the view models."""
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(QML, BUILD)
    folder = BUILD / "Tongban" / "Models"
    folder.mkdir()
    sources = sorted(MODELS.glob("*.py"))
    constant = set().union(*(constant_properties(source) for source in sources))
    modules = json.loads(tool("pyside6-metaobjectdump", *sources))
    for module in modules:
        for one in module["classes"]:
            for prop in one.get("properties", []):
                if (one["className"], prop["name"]) in constant:
                    prop["constant"] = True
    dump = folder / "models.json"
    dump.write_text(json.dumps(modules), encoding="utf-8")
    tool(
        "pyside6-qmltyperegistrar",
        "--generate-qmltypes",
        folder / "models.qmltypes",
        "-o",
        folder / "registration.cpp",
        dump,
        "--import-name",
        IMPORT_NAME,
        "--major-version",
        str(MAJOR),
        "--minor-version",
        str(MINOR),
        "--foreign-types=" + ",".join(str(QT / "metatypes" / name) for name in FOREIGN),
    )
    (folder / "qmldir").write_text(f"module {IMPORT_NAME}\ntypeinfo models.qmltypes\n", encoding="utf-8")


def main() -> int:
    """Build and lint; return the exit code."""
    build_types()
    files = sorted(BUILD.rglob("*.qml"))
    linter = str(Path(sys.executable).parent / "pyside6-qmllint")
    return subprocess.run([linter, "--max-warnings", "0", "-I", str(BUILD), *map(str, files)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
