"""The gradient of the arc behind Abell S1063 with and without PSF, light and fixed geometry.

JAXMETAL_DATA=/path/to/data python scripts/examples/as1063.py [--sample] [VARIANT ...]
"""

import argparse
import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxmetal as jm
from jaxmetal.io import scene
from jaxmetal.io.config import read

CONFIG = Path(__file__).with_name("as1063.yaml")
GRADIENT = "arc.metallicity.gradient"
# kpc per arcsec at z = 0.611 (WMAP9), and the axis ratio that makes the paper's minor-axis radius
# of the major-axis one.
KPC, RATIO = 6.8455, 0.557
FREE = {
    "arc.metallicity.inclination": {"uniform": [0.0, 85.0]},
    "arc.metallicity.position_angle": {"uniform": [-122.0, 58.0]},
    "arc.metallicity.center_x": {"normal": [-0.81131, 0.3]},
    "arc.metallicity.center_y": {"normal": [8.37986, 0.3]},
}

Config = dict[str, Any]


def unweighted(config: Config) -> None:
    """Metallicity itself is smoothed: light that is the same everywhere, and a linear scale."""
    config["galaxy"]["arc"] |= {"light": {"profile": "uniform", "amp": 1.0}}
    config["maps"]["z"]["scale"] = "linear"


def without_scatter(config: Config) -> None:
    """The measurement errors alone."""
    del config["priors"]["z.scatter"]


def without_psf(config: Config) -> None:
    """As if the telescope were perfect."""
    config["maps"]["z"]["psf"] = "none"


def hubble(band: str) -> Callable[[Config], None]:
    """Weighted by the light in a band of HST, which is hardly blurred."""

    def change(config: Config) -> None:
        file = f"${{JAXMETAL_DATA}}/as1063_lensed_muse/hst/AS1063_{band}.fits"
        config["galaxy"]["arc"]["light"] = {"profile": "image", "file": file, "extension": 0}

    return change


def free_geometry(config: Config) -> None:
    """Centre, inclination and position angle as the data say."""
    config["priors"] |= FREE


VARIANTS: dict[str, tuple[Callable[[Config], None], ...]] = {
    "authors": (unweighted, without_scatter),
    "authors-no-psf": (unweighted, without_scatter, without_psf),
    "unweighted": (unweighted,),
    "unweighted-no-psf": (unweighted, without_psf),
    "weighted": (),
    "weighted-no-psf": (without_psf,),
    "weighted-f435w": (hubble("F435w"),),
    "weighted-f814w": (hubble("F814w"),),
    "weighted-free": (free_geometry,),
    "weighted-free-no-scatter": (free_geometry, without_scatter),
}


def variant(name: str) -> scene.Scene:
    """The example, changed."""
    config = copy.deepcopy(read(CONFIG))
    for change in VARIANTS[name]:
        change(config)
    return scene.build(config, CONFIG.parent)


def main() -> None:
    """Print each variant's gradient, dex/kpc, by the major-axis and the minor-axis radius."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="*", help=", ".join(VARIANTS))
    parser.add_argument("--sample", action="store_true", help="NUTS as well")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", jm.InputWarning)
    print(
        f"{'':28}{'major axis':>20}{'minor-axis radius':>22}{'scatter':>10}{'chi2/n':>8}{'BIC':>9}"
    )
    for name in arguments.variants or VARIANTS:
        model = variant(name).model()
        fit = jm.optimise(model, starts=2)
        row("maximum", name, float(fit.parameters[GRADIENT]), float(fit.errors[GRADIENT]), fit)
        if len(fit.parameters) > 3:
            print(fit)
        if arguments.sample:
            posterior = jm.sample(
                model, fit, method="nuts", chains=4, warmup=150, draws=300, progress=False
            )
            rows = posterior.summary()
            row("NUTS", name, rows[GRADIENT]["mean"], rows[GRADIENT]["sd"], fit)
            print(posterior)


def row(method: str, name: str, gradient: float, error: float, fit: jm.Fit) -> None:
    """One line of the table."""
    columns = [
        f"{gradient / KPC / ratio:+.4f} ± {error / KPC / ratio:.4f}" for ratio in (1.0, RATIO)
    ]
    quality = f"{float(fit.maps['z'].scatter):>10.4f}{fit.reduced_chi_square:>8.2f}{fit.bic:>9.1f}"
    print(f"{name + ', ' + method:28}{columns[0]:>20}{columns[1]:>22}{quality}", flush=True)


if __name__ == "__main__":
    main()
