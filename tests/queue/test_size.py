"""The queue stays small enough to be read in an afternoon, and composes cryptography instead of making any."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "offline_queue"
MODULES = sorted(PACKAGE.rglob("*.py"))
CODE_LINES, CORE_LINES, MODULE_LINES = 2150, 600, 300  # a reviewer's day (2,000 was the aim), an evening, a sitting
WIRE_LINES = 800
_NOT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
ALLOWED = {"hashlib", "secrets"}  # beside the package `cryptography`
FORBIDDEN = {"random", "hmac", "Crypto", "nacl", "OpenSSL", "ecdsa", "rsa", "Cryptodome", "crypt", "pyaes"}


def docstrings(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found


def code_lines(source: str) -> int:
    """Count lines that hold code: not blank, not comment, not docstring."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NOT_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings(ast.parse(source)))


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_counter_counts_code_and_nothing_else() -> None:
    source = '"""Module\ndocstring."""\n\n# comment\nx = """a\nb"""\n\n\n'
    source += 'def f() -> int:\n    """Say."""\n    return 1  # why\n'
    assert code_lines(source) == 4


def test_whole_package_is_small() -> None:
    """The queue itself; ``wire`` is the protocol, central's as much as the terminal's, and has a limit of its own."""
    counted = {path.relative_to(PACKAGE).as_posix(): code_lines(path.read_text(encoding="utf-8")) for path in MODULES}
    wire = {name: lines for name, lines in counted.items() if name.startswith("wire/")}
    assert sum(counted.values()) - sum(wire.values()) <= CODE_LINES, counted
    assert sum(wire.values()) <= WIRE_LINES, wire


def test_outbox_and_store_together_are_small() -> None:
    core = [PACKAGE / name for name in ("outbox.py", "store.py")]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in core) <= CORE_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_cryptography_is_composed_and_never_made(path: Path) -> None:
    """Hashes from hashlib, randomness from the system, all else from `cryptography`; no bit is juggled by hand."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    roots = {name.partition(".")[0] for name in imported(tree)}
    assert not roots & FORBIDDEN or (roots & FORBIDDEN == {"random"} and path.name == "courier.py")
    if roots & {"cryptography", *ALLOWED}:
        operations = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp | ast.AugAssign)]
        assert not [node for node in operations if isinstance(node.op, ast.BitXor | ast.LShift | ast.RShift)]


def test_luck_of_the_courier_is_the_systems() -> None:
    """The jitter of a back-off needs no secret; it is the only use of `random`, by its system source."""
    tree = ast.parse((PACKAGE / "courier.py").read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
    }
    assert used == {"SystemRandom"}


def test_no_algorithm_out_of_date_is_named() -> None:
    named = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.Name)
    }
    assert not {one.lower() for one in named} & {"md5", "sha1", "des", "tripledes", "arc4", "ecb", "cbc", "pkcs1v15"}
