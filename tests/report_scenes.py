"""A survey as the report takes it.

Noisy discs through a PSF, some of them broken, some of them hostile.
"""

from itertools import pairwise

import numpy as np
from astropy.table import Table

HOSTILE = '</script><script>document.title="hacked"</script><img src=x onerror=alert(1)>&"\'$title'
CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
PARAMETERS = {
    CENTRAL: ("dex", 8.7, 0.1, 0.012),
    GRADIENT: ("dex / arcsec", -0.05, 0.02, 0.004),
    "z.scatter": ("dex", 0.03, 0.008, 0.002),
}


def survey_table(count, seed=0):
    """A row for each galaxy and 30 columns; every fiftieth fit has failed and has no numbers."""
    rng = np.random.default_rng(seed)
    broken = np.arange(count) % 50 == 7
    mass = rng.normal(10.2, 0.5, count)
    table = Table(
        {"id": [f"{8000 + i // 12}-{12700 + i % 12 + 1}" for i in range(count)], "log_mass": mass}
    )
    table["log_mass"].unit = "dex(solMass)"
    table["redshift"] = rng.uniform(0.01, 0.06, count)
    table["psf_fwhm"] = rng.normal(2.54, 0.05, count)
    table["psf_fwhm"].unit = "arcsec"
    for name, (unit, mean, spread, error) in PARAMETERS.items():
        size = error * rng.lognormal(0, 0.3, count)
        middle = np.abs(mean + spread * rng.normal(size=count)) * np.sign(mean) - (
            0.02 * (mass - 10.2) if name == GRADIENT else 0
        )
        middle[broken] = np.nan
        columns = {"q16": middle - size, "q50": middle, "q84": middle + 1.1 * size}
        for key, values in columns.items():
            table[f"{name}.{key}"] = values
            table[f"{name}.{key}"].unit = unit
        table[f"{name}.ess"] = np.where(broken, np.nan, rng.uniform(400, 2000, count).round())
        table[f"{name}.r_hat"] = np.where(broken, np.nan, 1 + np.abs(rng.normal(0, 0.004, count)))
    table["reduced_chi_square"] = np.where(broken, np.nan, rng.normal(1, 0.05, count))
    table["flux"] = 1e-17 * rng.lognormal(0, 1, count)
    table["flux"].unit = "erg / (s cm2)"
    table["pixels"] = rng.integers(500, 4000, count)
    table["row"] = np.arange(count)
    for i in range(30 - len(table.colnames) - 3):
        table[f"extra_{i}"] = rng.normal(size=count)
    table["converged"] = ~broken
    table["resolved"] = rng.uniform(size=count) > 0.3
    table["message"] = [
        "not converged: the map has no finite pixel" if bad else "converged" for bad in broken
    ]
    return table


def survey_galaxies(table, size=64, maps=3, seed=1):
    """(id, content) of every galaxy that did not fail."""
    rng, scale = np.random.default_rng(seed), 0.5
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) * scale
    beam = np.exp(
        -4
        * np.log(2)
        * (np.fft.fftfreq(size, 1 / size)[:, None] ** 2 + np.fft.fftfreq(size, 1 / size) ** 2)
        * (scale / 2.5) ** 2
    )
    transfer = np.fft.rfft2(beam / beam.sum())
    blur = lambda image: np.fft.irfft2(np.fft.rfft2(image) * transfer, image.shape)  # noqa: E731
    for row in table[table["converged"]]:
        angle, tilt = rng.uniform(0, np.pi), rng.uniform(0.35, 1)
        along, across = (
            x * np.cos(angle) + y * np.sin(angle),
            (y * np.cos(angle) - x * np.sin(angle)) / tilt,
        )
        radius = np.hypot(along, across)
        light, sharp = (
            10 * np.exp(-radius / 4),
            row[f"{CENTRAL}.q50"] + row[f"{GRADIENT}.q50"] * radius,
        )
        flux = blur(light)
        model, sigma = (
            np.log10(blur(light * 10**sharp) / flux),
            0.02 + 0.03 * np.sqrt(1 / np.maximum(flux, 0.05)),
        )
        outside = np.hypot(x, y) > 15
        z = np.where(outside, np.nan, model + sigma * rng.normal(size=model.shape))
        velocity = 150 * along / np.hypot(radius, 3) * np.sqrt(1 - tilt**2)
        content = {
            "metallicity": {"data": z, "sigma": sigma, "model": model, "unit": "dex"},
            "light": {
                "data": flux + 0.05 * rng.normal(size=flux.shape),
                "sigma": 0.05,
                "model": flux,
                "unit": "erg/s/cm²",
                "light": True,
            },
            "velocity": {
                "data": velocity + 8 * rng.normal(size=flux.shape),
                "sigma": 8.0,
                "model": velocity,
                "unit": "km/s",
            },
        }
        edges = np.linspace(0, 15, 11)
        rings = [
            np.isfinite(z) & (radius >= low) & (radius < high) for low, high in pairwise(edges)
        ]
        profile = {
            "radius": (edges[1:] + edges[:-1]) / 2,
            "data": [np.median(z[ring]) if ring.any() else np.nan for ring in rings],
            "error": [
                np.std(z[ring]) / np.sqrt(ring.sum()) if ring.any() else np.nan for ring in rings
            ],
            "model": row[f"{CENTRAL}.q50"] + row[f"{GRADIENT}.q50"] * (edges[1:] + edges[:-1]) / 2,
        }
        yield (
            row["id"],
            {"maps": dict(list(content.items())[:maps]), "pixel_scale": scale, "profile": profile},
        )
