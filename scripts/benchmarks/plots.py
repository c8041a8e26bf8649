"""Pictures of the results."""

from pathlib import Path

from jaxmetal.view import style
from jaxmetal.view.save import save_figure


@style.styled
def draw(results: dict, folder: Path) -> None:
    """Error against time of the maps, and cost against pixels, components and galaxies; what was not measured is left out."""
    if maps := results.get("maps", {}).get("rows"):
        figure = style.new_figure(4.5, 3.2)
        axes = style.tidy(figure.add_subplot())
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="time of one map [ms]",
            ylabel=r"largest error inside $R_e$ [dex]",
        )
        for i, row in enumerate(maps):
            colour = style.CHAINS[i % len(style.CHAINS)]
            axes.plot(row["map_ms"], row["error_1re"], "o", color=colour, label=row["case"])
            theirs = row.get("settings", {}).values()
            axes.plot(
                [s["ms"] for s in theirs], [s["error_1re"] for s in theirs], "x", color=colour
            )
        axes.legend(frameon=False, title="o jaxmetal, x lenstronomy", fontsize="small")
        save_figure(figure, folder / "maps.png")
    if scaling := results.get("scaling", {}).get("rows"):
        figure = style.new_figure(7.2, 2.8)
        for axes, word in zip(
            figure.subplots(1, 3), ("pixels", "components", "galaxies"), strict=True
        ):
            found = [
                (float(row["case"].split()[0]), row["ms"]) for row in scaling if word in row["case"]
            ]
            style.tidy(axes).loglog(*zip(*found, strict=True), "o-", color=style.BLUE)
            axes.minorticks_off()
            for set_ticks, values, digits in zip(
                (axes.set_xticks, axes.set_yticks), zip(*found, strict=True), (3, 2), strict=True
            ):
                set_ticks(values, [f"{value:.{digits}g}" for value in values])
            axes.set(xlabel=f"{word} a side" if word == "pixels" else word, ylabel="time [ms]")
        save_figure(figure, folder / "scaling.png")
    if device := results.get("device", {}).get("rows"):
        figure = style.new_figure(4.5, 3.2)
        axes = style.tidy(figure.add_subplot())
        batches = [row for row in device if "fits_per_second" in row]
        for i, stamp in enumerate(dict.fromkeys(row["case"].split(",")[0] for row in batches)):
            found = [
                (int(row["case"].split()[-1]), row["fits_per_second"])
                for row in batches
                if row["case"].startswith(f"{stamp},")
            ]
            axes.loglog(
                *zip(*sorted(found), strict=True),
                "o-",
                color=style.CHAINS[i % len(style.CHAINS)],
                label=stamp,
            )
        axes.set(xlabel="galaxies in a batch", ylabel="fits per second", title=device[0]["device"])
        axes.legend(frameon=False)
        save_figure(figure, folder / "device.png")
