"""The ramps stay readable in print, in the dark and with colour blindness."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from layers import palette

# Viénot, Brettel and Mollon (1999), linear sRGB; the identity is ordinary sight.
SIGHT = {
    "ordinary": np.eye(3),
    "protanopia": np.array(
        [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]
    ),
    "deuteranopia": np.array(
        [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]
    ),
}


def linear(colour: str) -> np.ndarray:
    part = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab_of(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of linear sRGB."""
    matrix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    x, y, z = (matrix @ rgb) / np.array([0.95047, 1.0, 1.08883])
    fx, fy, fz = (np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def lab(colour: str) -> np.ndarray:
    return lab_of(linear(colour))


def simulate(colour: str, sight: str) -> np.ndarray:
    return lab_of(np.clip(SIGHT[sight] @ linear(colour), 0, 1))


def delta(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other))


def delta_hex(one: str, other: str) -> float:
    return delta(lab(one), lab(other))


@pytest.mark.parametrize("name", palette.SEQUENTIAL)
@pytest.mark.parametrize("count", range(2, 10))
@pytest.mark.parametrize("look", [0, 1], ids=["light", "dark"])
def test_neighbouring_classes_differ_for_every_kind_of_sight(name, count, look):
    colours = [pair[look] for pair in palette.ramp(name, count)]
    for sight in SIGHT:
        for one, other in itertools.pairwise(colours):
            assert delta(simulate(one, sight), simulate(other, sight)) >= 6.5, (sight, one, other)


@pytest.mark.parametrize("below, neutral, above", [(3, False, 3), (2, True, 3), (4, True, 4)])
@pytest.mark.parametrize("look", [0, 1], ids=["light", "dark"])
def test_diverging_classes_differ_for_every_kind_of_sight(below, neutral, above, look):
    colours = [pair[look] for pair in palette.diverging(below, neutral, above)]
    for sight in SIGHT:
        for one, other in itertools.combinations(colours, 2):
            assert delta(simulate(one, sight), simulate(other, sight)) >= 10, (sight, one, other)


@pytest.mark.parametrize("name", palette.SEQUENTIAL)
@pytest.mark.parametrize("count", range(1, 10))
def test_print_keeps_the_order_and_even_steps_of_a_sequential_ramp(name, count):
    pairs = palette.ramp(name, count)
    light = np.diff([lab(pair[0])[0] for pair in pairs])
    dark = np.diff([lab(pair[1])[0] for pair in pairs])
    assert (light < 0).all(), "more is darker on a light ground"
    assert (dark > 0).all(), "more is brighter on a dark ground"
    for steps in (light, dark):
        if len(steps):
            assert np.ptp(steps) <= 0.2 * abs(steps.mean())


@pytest.mark.parametrize("look, index", [("light", 0), ("dark", 1)])
@pytest.mark.parametrize("name", palette.SEQUENTIAL)
def test_the_first_class_is_told_from_no_data_and_out_of_scope(name, look, index):
    ground = palette.GROUNDS[look]
    first = palette.ramp(name, 9)[0][index]
    assert delta_hex(first, ground.out_of_scope) > 6
    assert delta_hex(first, ground.missing) > 6


@pytest.mark.parametrize("look", ["light", "dark"])
def test_text_and_hatch_stand_out_from_the_ground(look):
    ground = palette.GROUNDS[look]

    def luminance(colour):
        return float(linear(colour) @ np.array([0.2126, 0.7152, 0.0722]))

    def contrast(one, other):
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert contrast(ground.text, ground.background) > 7
    assert contrast(ground.muted, ground.background) > 4.5
    assert contrast(ground.hatch, ground.missing) > 3


def test_ramps_are_the_same_bytes_every_time():
    assert palette.ramp("blue", 3) == (
        ("#dbf3ff", "#124155"),
        ("#3995dc", "#3393dd"),
        ("#043086", "#dce9ff"),
    )


def test_equally_far_from_the_middle_looks_equally_far():
    short, long = palette.diverging(1, False, 3), palette.diverging(3, False, 3)
    assert short[1:] == long[3:]
    assert short[0] == long[2]


def test_unknown_ramps_are_refused():
    with pytest.raises(ValueError):
        palette.ramp("rainbow", 3)
    with pytest.raises(ValueError):
        palette.ramp("blue", 0)
