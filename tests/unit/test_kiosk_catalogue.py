"""A package with a mistake is refused with file, key and reason; the others go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from kiosk.catalogue import model
from kiosk.catalogue.search import find
from kiosk.errors import PackageError

SHIPPED = Path(__file__).parents[2] / "config" / "catalogue"
CERTIFICATE = "DEMO-GF00101000"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "catalogue")
    return tmp_path / "catalogue"


def spoil(folder: Path, change) -> list[str]:
    path = folder / f"{CERTIFICATE}.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    loaded, refused = model.load(folder)
    assert CERTIFICATE not in [package.code for package in loaded.packages]
    assert len(loaded.packages) == 1  # the other one is still served
    return [problem for error in refused for problem in error.problems]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(colour="red"), "colour: Extra inputs are not permitted"),
        (lambda d: d.pop("title"), "title: Field required"),
        (lambda d: d["title"].pop("en"), "title.en: Field required"),
        (lambda d: d.update(version=0), "version: "),
        (lambda d: d.update(needs=["id_reader"]), "identity card+face needs camera"),
        (lambda d: d["use"].append("p.shoe_size"), "use: p.shoe_size is not in the dictionary"),
        (lambda d: d.update(consents=[]), "use: c.data has no consent text"),
        (lambda d: d["fields"][0].update(default=["pensions"]), "default names unknown options"),
        (lambda d: d["fields"][1].update(when="si.employer"), "when: si.employer is not an earlier field"),
        (lambda d: d["fields"][1].update(when="eval(1)"), "is not understood"),
        (lambda d: d["fields"].append(d["fields"][0]), "field si.type stands twice"),
    ],
)
def test_each_mistake_is_named_with_file_and_key(folder, change, says):
    found = spoil(folder, change)
    assert any(problem.startswith(f"{CERTIFICATE}.yaml: ") and says in problem for problem in found), found


def test_two_mistakes_are_told_at_once(folder):
    assert len(spoil(folder, lambda d: (d.pop("title"), d.update(version="x")))) == 2


def test_broken_yaml_is_told_with_its_file(folder):
    (folder / f"{CERTIFICATE}.yaml").write_text("code: [", encoding="utf-8")
    _, refused = model.load(folder)
    assert refused[0].problems[0].startswith(f"{CERTIFICATE}.yaml: cannot be read")


def test_without_a_dictionary_nothing_can_be_understood(folder):
    (folder / "dictionary.yaml").unlink()
    with pytest.raises(PackageError, match=r"dictionary\.yaml"):
        model.load(folder)


@pytest.mark.parametrize("query", ["社保", "shehui", "shbx", "Social", "cbzm", "养老", "yl", "certificate"])
def test_the_certificate_is_found_by_word_pinyin_and_initials(query):
    loaded, _ = model.load(SHIPPED)
    assert find(loaded.packages, query)[0].code == CERTIFICATE


def test_nothing_is_found_for_nonsense_and_everything_for_nothing():
    loaded, _ = model.load(SHIPPED)
    assert find(loaded.packages, "xyzzy") == ()
    assert len(find(loaded.packages, "  ")) == len(loaded.packages)
