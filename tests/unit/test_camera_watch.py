"""From the pictures alone: a camera that stands still, repeats itself or sees nothing, and none that only looks so."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from devices.drivers.opencv_watch import DARK, DARK_NO_MORE, FROZEN_S, LIGHT_S, REMEMBERED, PictureWatch
from devices.health import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

HEIGHT, WIDTH, RATE = 120, 160, 20
FROZEN, DARK_ONLY, BRIGHT_ONLY = {Condition.FROZEN}, {Condition.TOO_DARK}, {Condition.TOO_BRIGHT}


def room(level: float = 1.0) -> NDArray[np.float32]:
    across, down = np.linspace(90, 200, WIDTH), np.linspace(1, 0.8, HEIGHT)
    grey = (down[:, None] * across[None, :] * level).astype(np.float32)
    return np.repeat(grey[..., None], 3, axis=2)


def seen(scene: NDArray[np.float32], sigma: float, seed: int = 1, quality: int = 75) -> Iterator[Picture]:
    """Return what a sensor with noise sends of a scene that does not move, as JPEG."""
    dice = np.random.default_rng(seed)
    while True:
        noisy = np.clip(np.round(scene + dice.normal(0, sigma, scene.shape)), 0, 255).astype(np.uint8)
        packed = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        yield np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def watched(pictures: Iterable[Picture], seconds: float, watch: PictureWatch | None = None, at: float = 0.0) -> set:
    """Return all that was ever told."""
    watch = watch or PictureWatch()
    told: set[Condition] = set()
    for number, picture in enumerate(itertools.islice(pictures, int(seconds * RATE))):
        watch.push(picture.copy(), at + number / RATE)
        told |= watch.conditions
    return told


@pytest.mark.parametrize("sigma", [0.2, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("level", [1.0, 0.3])
@pytest.mark.parametrize("quality", [60, 90])
def test_still_scene_before_a_living_sensor_is_no_fault(sigma: float, level: float, quality: int) -> None:
    assert watched(seen(room(level), sigma, quality=quality), 2 * FROZEN_S) == set()


def test_one_picture_again_and_again_is_frozen_after_its_time_and_no_sooner() -> None:
    picture = next(seen(room(), 1))
    assert watched(itertools.repeat(picture), FROZEN_S - 0.1) == set()
    assert watched(itertools.repeat(picture), FROZEN_S + 0.2) == FROZEN


def test_frozen_camera_that_moves_on_is_sound_at_once() -> None:
    living, watch = seen(room(), 1), PictureWatch()
    watched(itertools.repeat(next(living)), 2 * FROZEN_S, watch)
    watch.push(next(living), 100)
    assert watch.conditions == set()


def test_few_changed_pixels_do_not_make_a_frozen_camera_alive() -> None:
    """A speck of a decoder is no noise of a sensor."""
    picture = next(seen(room(), 1))
    pictures = []
    for number in range(60):
        changed = picture.copy()
        changed[0, number % 8] = number
        pictures.append(changed)
    assert watched(pictures, 3) == FROZEN


@pytest.mark.parametrize("length", [7, 80, 200])
def test_stored_loop_is_told(length: int) -> None:
    loop = list(itertools.islice(seen(room(), 1), length))
    assert watched(itertools.cycle(loop), length / RATE + FROZEN_S + 0.2) == FROZEN


def test_loop_is_not_told_before_its_second_round() -> None:
    loop = list(itertools.islice(seen(room(), 1), 100))
    assert watched(itertools.cycle(loop), 5 + FROZEN_S - 0.1) == set()


def test_single_picture_seen_before_is_no_loop() -> None:
    living = seen(room(), 1)
    again = next(living)
    pictures = [again, *itertools.islice(living, 20), again, *itertools.islice(living, 60)]
    assert watched(pictures, 5) == set()


def test_memory_of_pictures_has_an_end() -> None:
    watch = PictureWatch()
    for number in range(REMEMBERED + 50):
        picture = np.full((60, 80, 3), 100, np.uint8)
        picture[0, :4, 1] = [number % 250, number // 250, 7, 9]
        picture[1:, :, 1] += (number % 100) + 1
        watch.push(picture, number / RATE)
    assert len(watch._seen) == len(watch._order) <= REMEMBERED


def test_slow_change_adds_up_and_is_no_fault() -> None:
    """The sun over ten seconds, before a sensor without any noise."""
    scene = room()
    pictures = (np.asarray(scene + number / RATE, np.uint8) for number in range(200))
    assert watched(pictures, 10) == set()


@pytest.mark.parametrize(("level", "sigma"), [(0.0, 0.0), (0.02, 3.0), (0.05, 6.0)])
def test_covered_lens_is_dark_and_nothing_else(level: float, sigma: float) -> None:
    assert watched(seen(room(level), sigma), 3 * FROZEN_S) == DARK_ONLY


def test_dim_room_with_a_lit_face_is_not_dark() -> None:
    scene = room(0.05)
    cv2.ellipse(scene, (80, 60), (20, 28), 0, 0, 360, (60, 60, 60), -1)
    assert watched(seen(scene, 3), 3) == set()


def test_sun_in_the_lens_is_bright_and_nothing_else() -> None:
    assert watched(itertools.repeat(np.full((HEIGHT, WIDTH, 3), 255, np.uint8)), 3 * FROZEN_S) == BRIGHT_ONLY


def test_person_before_a_white_window_is_not_too_bright() -> None:
    scene = np.full((HEIGHT, WIDTH, 3), 255, np.float32)
    scene[30:, 45:105] = 80
    assert watched(seen(scene, 1), 3) == set()


def test_passing_hand_is_not_told() -> None:
    dark = itertools.islice(seen(room(0.0), 0), int((LIGHT_S - 0.2) * RATE))
    living = seen(room(), 1)
    assert watched(itertools.chain(itertools.islice(living, 10), dark, living), 4) == set()


def test_light_at_the_bar_does_not_flicker_between_two_states() -> None:
    watch = PictureWatch()
    flat = [np.full((HEIGHT, WIDTH, 3), int(level), np.uint8) for level in (DARK - 2, DARK + 4, DARK_NO_MORE + 2)]
    assert watched(itertools.repeat(flat[0]), 2, watch) == DARK_ONLY
    assert watched(itertools.repeat(flat[1]), 2, watch, at=2) == DARK_ONLY
    watch.push(flat[2], 5)
    assert watch.conditions == set()


def test_camera_that_may_repeat_is_never_frozen() -> None:
    picture = next(seen(room(), 1))
    assert watched(itertools.repeat(picture), 3 * FROZEN_S, PictureWatch(0)) == set()


def test_nothing_of_a_picture_is_left_after_the_wipe() -> None:
    watch = PictureWatch()
    watch.push(next(seen(room(), 1)), 0)
    watch.wipe()
    assert watch._first is not None
    assert not watch._first.any()
