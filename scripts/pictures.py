"""The two small pictures of the README: beam smearing, and an arc with its source.

python scripts/pictures.py
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

import jaxmetal as jm
from jaxmetal.view.style import TRACER, Figure, new_figure, styled

STATIC = Path(__file__).resolve().parents[1] / "docs" / "_static"
DPI = 90
VELOCITIES = "RdBu_r"


def panel(axes, image, title: str, side: float, **options) -> None:
    """An image of a frame of this many arcsec a side, with its colour bar."""
    half = side / 2
    shown = axes.imshow(image, origin="lower", extent=(-half, half, -half, half), **options)
    axes.set(title=title, xlabel="arcsec")
    axes.figure.colorbar(shown, ax=axes, shrink=0.8)


@styled
def kinematics() -> Figure:
    """A rotating disc of 25 km/s: velocity with and without the PSF, and what it does to sigma."""
    disc = jm.Component(
        light=jm.Profile(jm.light.exponential, amp=10.0, scale_length=0.7, e1=0.3),
        velocity=jm.Profile(
            jm.tracer.rotation,
            curve="arctan",
            v_max=200.0,
            r_turn=0.3,
            inclination=60.0,
            position_angle=90.0,
        ),
        dispersion=jm.Profile(jm.tracer.uniform, value=25.0),
    )
    galaxy, blank = jm.Galaxy(disc=disc), np.zeros((41, 41))
    instrument = jm.Instrument(jm.Grid.regular((41, 41), 0.12), jm.GaussianPSF(0.9), (4, 2), 16)
    v = jm.TracerMap(blank, 1.0, instrument, tracer="velocity", scale="linear", check=False)
    s = jm.DispersionMap(blank + 1, 1.0, instrument, check=False)
    figure = new_figure(8.4, 2.8)
    panels = figure.subplots(1, 3)
    options = {"side": 41 * 0.12, "cmap": VELOCITIES, "vmin": -180, "vmax": 180}
    panel(panels[0], jm.intrinsic(galaxy, v), "velocity, km/s", **options)
    panel(panels[1], jm.predict(galaxy, v), 'through a PSF of 0.9"', **options)
    panel(
        panels[2], jm.predict(galaxy, s), "dispersion; 25 km/s without PSF", 41 * 0.12, cmap=TRACER
    )
    return figure


@styled
def arc() -> Figure:
    """Light and metallicity of a mock arc, and the metallicity of its source."""
    galaxy = jm.arcs.galaxy()
    maps = jm.arcs.observe(seed=1, supersampling=(4, 2))
    side = 0.065 * maps["z"].values.shape[0]
    x, y = np.meshgrid(np.linspace(-0.5, 0.86, 60), np.linspace(-0.78, 0.58, 60))
    figure = new_figure(8.4, 2.8)
    panels = figure.subplots(1, 3)
    light = np.arcsinh(np.asarray(maps["light"].values) / 0.05)
    panel(panels[0], light, "light of arc and lens (asinh)", side, cmap="magma")
    z = np.where(maps["z"].valid, maps["z"].values, np.nan)
    panel(panels[1], z, "12 + log(O/H)", side, cmap=TRACER, vmin=8.1, vmax=8.5)
    source = np.asarray(galaxy.source.metallicity(x, y))
    panel(panels[2], source, "in the source plane", 1.36, cmap=TRACER, vmin=8.1, vmax=8.5)
    return figure


def main() -> None:
    """Write both."""
    for name, draw in {"kinematics": kinematics, "arc": arc}.items():
        buffer = io.BytesIO()
        draw().savefig(buffer, dpi=DPI)
        # A palette: a third of the size.
        image = Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE, colors=192)
        image.save(STATIC / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
