"""A wrong setting is refused with its source, key and reason, all at once; simulators never reach the public."""

from __future__ import annotations

import pytest

from kiosk.errors import SettingsError
from kiosk.settings import CONFIG, Profile, load


def problems(profile: str, **overlay: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(profile, overlays=[("site file", overlay)])
    return caught.value.problems


@pytest.mark.parametrize("profile", list(Profile))
def test_every_shipped_profile_loads(profile):
    assert load(profile).profile is profile


def test_all_problems_are_told_at_once_with_source_and_key():
    found = problems(
        "community", face={"engin": "local"}, timings={"idle_s": "soon"}, devices={"id_reader": {"port": "x"}}
    )
    assert len(found) == 3
    assert any(p.startswith("site file: face.engin: unknown key") for p in found)
    assert any(p.startswith("site file: timings.idle_s: expected float, found 'soon'") for p in found)
    assert any("devices.id_reader: driver is missing" in p for p in found)


@pytest.mark.parametrize(
    "overlay",
    [
        {"face": {"liveness": "sim"}},
        {"photo_decoder": "sim-webp"},
        {"simulation": {"world": True}},
        {"simulation": {"central": True}},
        {"simulation": {"dock": "http://127.0.0.1:1"}},
    ],
)
def test_a_public_profile_refuses_every_simulator(overlay):
    assert any("simulators are refused" in problem for problem in problems("community", **overlay))


def test_a_face_limit_at_the_librarys_default_is_refused():
    assert any("face.match_at" in problem for problem in problems("demo", face={"no_match_at": 0.6}))


def test_a_time_of_zero_is_refused():
    assert any("timings.answer_s" in problem for problem in problems("demo", timings={"answer_s": 0}))


def test_an_unknown_role_is_refused():
    assert any("unknown role" in problem for problem in problems("demo", devices={"toaster": {"driver": "sdt"}}))


def test_an_unknown_profile_names_the_known_ones():
    assert "community" in problems("kitchen")[0]


def test_a_boolean_is_no_number():
    assert any("expected float" in problem for problem in problems("demo", timings={"idle_s": True}))


def test_broken_toml_is_told_with_its_file(tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "terminal.toml").write_text("[terminal\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"terminal\.toml: not valid TOML"):
        load("demo", config=tmp_path)


def test_the_origin_of_every_value_is_known():
    effective = {
        key: origin
        for key, _, origin in load("demo", overlays=[("visit file", {"timings": {"idle_s": 5}})]).effective()
    }
    assert effective["timings.idle_s"] == "visit file"
    assert effective["face.liveness"] == "demo.toml"
    assert effective["timings.answer_s"] == "default"
    assert (CONFIG / "terminal.toml").exists()
