"""Figures of the results."""

from pathlib import Path

from jaxmetal.view import style
from jaxmetal.view.save import save_figure

# The ratio of two numbers that have room for their labels on a logarithmic axis.
APART = 1.15


@style.styled
def draw(results: dict, folder: Path) -> None:
    """Save a figure of the maps, of the scaling, and of the device, each if it was measured."""
    for name, figure in {"maps": _maps, "scaling": _scaling, "device": _device}.items():
        if rows := results.get(name, {}).get("rows"):
            save_figure(figure(rows), folder / f"{name}.png")


def _maps(rows: list[dict]) -> style.Figure:
    """Error against time of one map."""
    figure = style.new_figure(4.5, 3.2)
    axes = style.tidy(figure.add_subplot())
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="time of one map [ms]",
        ylabel=r"largest error inside $R_e$ [dex]",
    )
    for i, row in enumerate(rows):
        colour = style.CHAINS[i % len(style.CHAINS)]
        axes.plot(row["map_ms"], row["error_1re"], "o", color=colour, label=row["case"])
        theirs = row.get("settings", {}).values()
        axes.plot([s["ms"] for s in theirs], [s["error_1re"] for s in theirs], "x", color=colour)
    axes.legend(frameon=False, title="o jaxmetal, x lenstronomy", fontsize="small")
    return figure


def _scaling(rows: list[dict]) -> style.Figure:
    """Cost against pixels, components and galaxies."""
    figure = style.new_figure(7.2, 2.8)
    panels = figure.subplots(1, 3)
    for axes, word in zip(panels, ("pixels", "components", "galaxies"), strict=True):
        points = [(float(r["case"].split()[0]), r["ms"]) for r in rows if word in r["case"]]
        numbers, times = zip(*points, strict=True)
        style.tidy(axes).loglog(numbers, times, "o-", color=style.BLUE)
        axes.minorticks_off()
        axes.set_xticks(numbers, [f"{value:.3g}" for value in numbers])
        # The first of two that would lie on each other.
        told = [t for i, t in enumerate(times) if all(t > APART * other for other in times[:i])]
        axes.set_yticks(told, [f"{value:.3g}" for value in told])
        axes.set(xlabel=f"{word} a side" if word == "pixels" else word, ylabel="time [ms]")
    return figure


def _device(rows: list[dict]) -> style.Figure:
    """Fits per second against the size of a batch."""
    figure = style.new_figure(4.5, 3.2)
    axes = style.tidy(figure.add_subplot())
    batches = [row for row in rows if "fits_per_second" in row]
    for i, stamp in enumerate(dict.fromkeys(row["case"].split(",")[0] for row in batches)):
        points = sorted(
            (int(row["case"].split()[-1]), row["fits_per_second"])
            for row in batches
            if row["case"].startswith(f"{stamp},")
        )
        colour = style.CHAINS[i % len(style.CHAINS)]
        axes.loglog(*zip(*points, strict=True), "o-", color=colour, label=stamp)
    axes.set(xlabel="galaxies in a batch", ylabel="fits per second", title=rows[0]["device"])
    axes.legend(frameon=False)
    return figure
