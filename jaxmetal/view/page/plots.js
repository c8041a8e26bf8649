// A histogram of one column, and one column against another. What the filters leave out stays, in grey.
const plotted = columns.filter((column) => column.kind !== "text");
let points = [];

function chosen(id) {
  return plotted[$(id).value];
}

function axisLabel(column) {
  return withUnit(column.name, column.unit);
}

function asNumbers(column) {
  return column.kind === "flag" ? column.values.map((v) => (v === null ? null : Number(v))) : column.values;
}

function axis(column, values) {
  const [low, high] = column.kind === "flag" ? [-0.5, 1.5] : ends(values);
  return { low, high, label: axisLabel(column), ...(column.kind === "flag" ? { ticks: [[0, "no"], [1, "yes"]] } : {}) };
}

function drawScatter() {
  const [cx, cy] = [chosen("plot-x"), chosen("plot-y")], [xs, ys] = [asNumbers(cx), asNumbers(cy)];
  const known = (row) => xs[row] !== null && ys[row] !== null, kept = new Set(passing);
  const good = passing.filter(known), others = order.filter((row) => !kept.has(row) && known(row));
  const [x, y] = [axis(cx, good.map((row) => xs[row])), axis(cy, good.map((row) => ys[row]))];
  const { pen, X, Y, inside } = chart($("scatter"), x, y);
  points = good.map((row) => ({ row, x: X(xs[row]), y: Y(ys[row]) }));
  const beyond = good.filter((row) => xs[row] < x.low || xs[row] > x.high || ys[row] < y.low || ys[row] > y.high).length;
  inside();
  dots(pen, others.map((row) => ({ x: X(xs[row]), y: Y(ys[row]) })), theme("faint"), 0.6);
  // Bars of many galaxies are a haze, of few they can be told apart.
  pen.strokeStyle = theme("accent");
  pen.globalAlpha = Math.max(0.12, Math.min(0.6, 40 / good.length));
  for (const row of good) {
    if (halfWidth(cx, row) !== null) rule(pen, X(cx.low[row]), Y(ys[row]), X(cx.high[row]), Y(ys[row]));
    if (halfWidth(cy, row) !== null) rule(pen, X(xs[row]), Y(cy.low[row]), X(xs[row]), Y(cy.high[row]));
  }
  dots(pen, points, theme("accent"), good.length > 300 ? 0.65 : 0.9);
  const span = (column, values) => (values.length ? `${column.name} from ${numberText(-largest(values.map((v) => -v)), column.places ?? null)} to ${numberText(largest(values), column.places ?? null)}` : "");
  $("scatter").setAttribute("aria-label", `Scatter plot of ${good.length} galaxies. ${span(cx, good.map((r) => xs[r]))}; ${span(cy, good.map((r) => ys[r]))}.`);
  note(pen, $("scatter"), beyond ? `${beyond} beyond the axes` : "");
}

function dots(pen, places, colour, alpha) {
  pen.fillStyle = colour;
  pen.globalAlpha = alpha;
  const radius = places.length > 300 ? 2 : 3;
  for (const { x, y } of places) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

function note(pen, canvas, text) {
  pen.textAlign = "right";
  pen.fillStyle = theme("muted");
  pen.fillText(text, canvas.clientWidth - 16, 14);
}

function drawHistogram() {
  const column = chosen("plot-h"), values = asNumbers(column);
  const all = values.filter((v) => v !== null), good = passing.map((row) => values[row]).filter((v) => v !== null);
  const x = axis(column, good.length ? good : all);
  const bins = column.kind === "flag" ? 2 : Math.round(Math.max(8, Math.min(36, 2.2 * Math.cbrt(good.length))));
  const width = (x.high - x.low) / bins, counted = [all, good].map((some) => counts(some, x.low, width, bins));
  const most = Math.max(1, ...counted[0]) * 1.06, whole = steps(0, most, 4).filter(([at]) => Number.isInteger(at)).map(([at]) => [at, String(at)]);
  const y = { low: 0, high: most, label: "galaxies", ticks: whole };
  const { pen, X, Y, inside } = chart($("histogram"), x, y);
  inside();
  for (const [heights, colour] of [[counted[0], theme("faint")], [counted[1], theme("accent")]]) {
    pen.fillStyle = colour;
    heights.forEach((n, i) => pen.fillRect(X(x.low + i * width) + 0.5, Y(n), X(x.low + width) - X(x.low) - 1, Y(0) - Y(n)));
  }
  const middle = good.length ? `median ${numberText(quantile(good, 0.5), column.places ?? 2)}` : "no values";
  $("histogram").setAttribute("aria-label", `Histogram of ${column.name}: ${good.length} galaxies, ${middle}.`);
}

function counts(values, low, width, bins) {
  const found = Array(bins).fill(0);
  for (const v of values) {
    const bin = Math.floor((v - low) / width);
    if (bin >= 0 && bin < bins) found[bin]++;
  }
  return found;
}

function drawPlots() {
  $("tip").hidden = true;
  if (!plotted.length) return;
  drawScatter();
  drawHistogram();
}

// The galaxy under the pointer.
function nearest(event) {
  let best = null, least = 12 ** 2;
  for (const point of points) {
    const away = (point.x - event.offsetX) ** 2 + (point.y - event.offsetY) ** 2;
    if (away < least) [best, least] = [point, away];
  }
  return best;
}

function hover(event) {
  const point = nearest(event), tip = $("tip");
  $("scatter").style.cursor = point ? "pointer" : "";
  tip.hidden = !point;
  if (!point) return;
  tip.textContent = `${ids[point.row]}: ${cellText(chosen("plot-y"), point.row)}`;
  tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${event.clientY + 14}px`;
}

function startPlots() {
  $("plot-side").hidden = !plotted.length;
  if (!plotted.length) return;
  const pick = (test, otherwise) => [plotted.findIndex(test), otherwise, 0].find((at) => at >= 0);
  const y = pick((c) => c.low && /\.gradient/.test(c.name), plotted.findIndex((c) => c.low));
  const x = pick((c) => /mass/i.test(c.name) && !c.helper, plotted.findIndex((c, i) => i !== y && c.kind === "number" && !c.helper));
  for (const [id, at] of [["plot-y", y], ["plot-x", x], ["plot-h", y]]) {
    $(id).replaceChildren(...plotted.map((column, i) => el("option", { value: i }, column.name)));
    $(id).value = at;
    $(id).addEventListener("change", drawPlots);
  }
  $("scatter").addEventListener("pointermove", hover);
  $("scatter").addEventListener("pointerleave", () => { $("tip").hidden = true; });
  $("scatter").addEventListener("click", (event) => {
    const point = nearest(event);
    if (point) openGalaxy(passing.indexOf(point.row));
  });
}
