"""Velocities in four conventions: closed forms, round trips, widths, and what is refused."""

import numpy as np
import pytest
from astropy import units

from jaxmetal.errors import InputError
from jaxmetal.science.kinematics import LIGHT_SPEED, convert_velocity, convert_width

# Precision plays no part here: these are numbers on the host.
pytestmark = pytest.mark.precision("single")

ALL = ("optical", "radio", "relativistic", "rest")


@pytest.mark.parametrize("z", [-0.001, 0.03, 1.0, 6.0])
def test_all_conventions_state_one_redshift(z):
    reference = 0.9 * z
    expected = {
        "optical": z,
        "radio": z / (1 + z),
        "relativistic": ((1 + z) ** 2 - 1) / ((1 + z) ** 2 + 1),
        "rest": (z - reference) / (1 + reference),
    }
    for of, value in expected.items():
        for to, answer in expected.items():
            converted = convert_velocity(LIGHT_SPEED * value, of, to, reference)
            assert converted == pytest.approx(LIGHT_SPEED * answer, abs=1e-6)


def test_radio_and_relativistic_velocities_are_those_of_astropy():
    rest = 6564.6 * units.AA
    seen = rest * (1 + np.array([0.001, 0.03, 2.0]))
    conventions = {
        "optical": units.doppler_optical(rest),
        "radio": units.doppler_radio(rest),
        "relativistic": units.doppler_relativistic(rest),
    }
    speeds = {name: seen.to(units.km / units.s, how) for name, how in conventions.items()}
    for of, speed in speeds.items():
        for to, expected in speeds.items():
            np.testing.assert_allclose(convert_velocity(speed, of, to), expected.value, rtol=1e-9)


@pytest.mark.parametrize("of", ALL)
@pytest.mark.parametrize("to", ALL)
def test_a_width_is_the_difference_of_two_velocities(of, to):
    speed = np.array([500.0, 8000.0])
    ends = [convert_velocity(speed + step, of, to, 0.02) for step in (-0.5, 0.5)]
    widths = convert_width(np.ones(2), of, to, 0.02, velocity=speed)
    np.testing.assert_allclose(widths, np.abs(ends[1] - ends[0]), rtol=1e-6)


def test_without_a_velocity_a_width_is_at_the_redshift():
    assert convert_width(60.0, "optical", "rest", 0.2) == pytest.approx(50.0)
    assert convert_width(60.0, "radio", "rest", 0.2) == pytest.approx(60.0 * 1.2)


def test_units_are_read_and_what_was_not_measured_stays_so():
    speed = np.array([3e6, np.nan]) * units.m / units.s
    converted = convert_velocity(speed, "optical", "rest", 0.0)
    np.testing.assert_allclose(converted, [3000.0, np.nan])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((100.0, "optic", "rest", 0.1), "unknown convention 'optic'. Did you mean 'optical'"),
        ((100.0, "", "rest", 0.1), "may be one of: optical, radio, relativistic, rest"),
        ((100.0, "optical", "rest"), "give redshift"),
        ((100.0, "optical", "rest", -1.5), "expected a number above -1, got -1.5"),
        ((3e5, "radio", "optical"), "300000 km/s is not possible in 'radio'"),
        ((-3.1e5, "relativistic", "optical"), "not possible in 'relativistic'"),
        ((100.0 * units.kg, "optical", "radio"), "expected km/s"),
    ],
)
@pytest.mark.wrong_types
def test_what_is_not_clear_is_refused(arguments, text):
    with pytest.raises(InputError, match=text):
        convert_velocity(*arguments)


def test_a_width_without_a_place_is_refused():
    with pytest.raises(InputError, match="give the velocity of the widths, or the redshift"):
        convert_width(10.0, "optical", "radio")
