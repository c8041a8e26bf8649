"""Long checks of the statistics, too long for the tests: use case 1 at all eight PSF widths.

    python scripts/validate.py --out validation

For every width: the noise-free map fitted back from another start; Laplace and NUTS errors against the Cramér-Rao bound; the
naive gradient. Writes a table (ECSV) with the commit it was made from.
"""

import argparse
import subprocess
from pathlib import Path

import numpyro.distributions as dist
from astropy.table import Table

import jaxmetal as jm
from jaxmetal.files import whole_file

# FWHM: Cramér-Rao sigma of the gradient and of the central value, and the naive gradient of a noise-free map.
BOUND = {
    0.1: (0.00326, 0.00535, -0.1998),
    0.2: (0.00327, 0.00534, -0.1992),
    0.3: (0.00328, 0.00532, -0.1982),
    0.5: (0.00332, 0.00528, -0.1946),
    0.7: (0.00339, 0.00524, -0.1887),
    1.0: (0.00357, 0.00523, -0.1753),
    1.5: (0.00418, 0.00547, -0.1436),
    2.0: (0.00535, 0.00623, -0.1076),
}
CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"


def row(fwhm: float, draws: int) -> dict:
    """One PSF width: what was found over what can be found."""
    galaxy, maps = jm.simulate.use_case_1(fwhm)
    sigma_gradient, sigma_central, naive = BOUND[fwhm]
    # The start is not the truth, so that arriving there means something.
    start = jm.Galaxy(
        disc=jm.Component(galaxy.disc.light, metallicity=jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.05)),
    )
    model = jm.Model(start, {"z": maps["z"]}, {CENTRAL: dist.Uniform(6.0, 9.0), GRADIENT: dist.Uniform(-1.0, 1.0)})
    fit = jm.optimise(model, starts=1)
    posterior = jm.sample(model, fit, chains=4, warmup=150, draws=draws)
    summary = posterior.summary()
    z = maps["z"]
    line = jm.baselines.wls(jm.baselines.radius_map(z.instrument.grid), z.data, z.errors)
    return {
        "fwhm": fwhm,
        "gradient_error": float(fit.parameters[GRADIENT]) + 0.2,
        "laplace_gradient": float(fit.errors[GRADIENT]) / sigma_gradient,
        "laplace_central": float(fit.errors[CENTRAL]) / sigma_central,
        "nuts_gradient": summary[GRADIENT]["sd"] / sigma_gradient,
        "nuts_central": summary[CENTRAL]["sd"] / sigma_central,
        "ess": min(r["ess"] for r in summary.values()),
        "r_hat": max(r["r_hat"] for r in summary.values()),
        "naive": line.gradient,
        "naive_minus_table": line.gradient - naive,
        "sampling": model.maps["z"].instrument.describe(),
    }


def main() -> None:
    """Run the widths asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("validation"))
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--fwhm", type=float, nargs="*", default=list(BOUND))
    arguments = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    rows = []
    for fwhm in arguments.fwhm:
        rows.append(row(fwhm, arguments.draws))
        print({name: round(value, 5) if isinstance(value, float) else value for name, value in rows[-1].items()}, flush=True)
        table = Table(rows=rows, meta={"commit": commit, "draws": 4 * arguments.draws, "ratios": "found over Cramér-Rao"})
        with whole_file(arguments.out / "use_case_1.ecsv") as part:
            table.write(part, format="ascii.ecsv")


if __name__ == "__main__":
    main()
