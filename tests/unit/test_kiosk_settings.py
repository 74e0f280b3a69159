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
        {"devices": {"card_slot": {"driver": "sim-card-slot", "address": "slot"}}},
    ],
)
def test_a_public_profile_refuses_every_simulator(overlay):
    assert any("simulators are refused" in problem for problem in problems("community", **overlay))


def test_a_face_limit_at_the_librarys_default_is_refused():
    assert any("face.match_at" in problem for problem in problems("demo", face={"no_match_at": 0.6}))


def test_a_time_of_zero_is_refused():
    assert any("timings.answer_s" in problem for problem in problems("demo", timings={"answer_s": 0}))


@pytest.mark.parametrize(
    ("key", "value", "known"),
    [
        ("terminal.language", "fr", "zh_CN, en"),
        ("face.engine", "locla", "none, local"),
        ("face.liveness", "Sim", "none, sim"),
        ("face.second_factor", "smss", "sms, none"),
        ("photo_decoder", "webp", "none, sim-webp"),
    ],
)
def test_a_word_outside_its_closed_set_is_refused_with_what_is_known(key, value, known):
    table, _, name = key.rpartition(".")
    found = problems("demo", **({table: {name: value}} if table else {name: value}))
    assert found == (f"site file: {key}: {value!r} is unknown; known are {known}",)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_nan_and_infinity_are_no_numbers(value):
    assert "no number" in problems("demo", timings={"idle_s": value})[0]
    assert "no number" in problems("demo", central={"refresh_s": value})[0]
    assert "no number" in problems("demo", devices={"camera": {"driver": "opencv", "fps": value}})[0]


@pytest.mark.parametrize("key", ["central.refresh_s", "limits.unsent_items", "limits.unsent_age_h"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_that_would_stop_or_spin_the_terminal_is_refused(key, value):
    table, _, name = key.partition(".")
    assert problems("demo", **{table: {name: value}}) == (f"site file: {key}: must be above 0",)


@pytest.mark.parametrize("name", ["", " ", "K/1", "K 1", "机器", "K" * 33, "K\n"])
def test_a_terminal_without_a_name_fit_for_addresses_is_refused(name):
    assert "terminal.kiosk" in problems("demo", terminal={"kiosk": name})[0]


@pytest.mark.parametrize("zone", ["", "Asia", "Asia/Nowhere", "/etc/passwd", "../x"])
def test_a_time_zone_that_is_none_is_refused(zone):
    assert "site file: terminal.timezone" in problems("demo", terminal={"timezone": zone})[0]


@pytest.mark.parametrize(
    ("profile", "url"),
    [
        ("demo", "http://central.example"),
        ("community", "http://127.0.0.1:8000"),
        ("community", "central.example"),
        ("community", "https://"),
        ("community", "https://central.example:port"),
        ("community", "https://[::1"),
        ("demo", "ftp://127.0.0.1"),
    ],
)
def test_central_is_asked_over_https_alone(profile, url):
    assert "site file: central.url" in problems(profile, central={"url": url})[0]


def test_plain_http_to_the_same_machine_is_for_demo_and_lab():
    for profile in ("demo", "lab"):
        assert load(profile, overlays=[("site file", {"central": {"url": "http://127.0.0.1:8000"}})])


def test_a_settings_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "terminal.toml").mkdir()
    with pytest.raises(SettingsError, match=r"terminal\.toml: cannot be read"):
        load("demo", config=tmp_path)


def test_an_unknown_role_is_refused():
    assert any("unknown role" in problem for problem in problems("demo", devices={"toaster": {"driver": "sdt"}}))


def test_simulated_roles_are_roles() -> None:
    assert any(
        "simulation.roles: unknown role 'toaster'" in each
        for each in problems("demo", simulation={"roles": ["toaster"]})
    )


def test_a_table_that_a_program_takes_away_is_gone() -> None:
    devices = load(
        "demo", overlays=[("world", {"devices": {"scanner": None, "id_reader": {"port": "/dev/x"}}})]
    ).devices
    assert "scanner" not in devices
    assert devices["id_reader"].options == {"port": "/dev/x"}


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
