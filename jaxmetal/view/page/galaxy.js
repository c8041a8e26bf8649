// The pictures of one galaxy, unpacked when they are looked at.
const NOTHING = 255, BELOW = 0, ABOVE = 254, LEVELS = 252;
const TITLES = { data: "data", model: "model", residual: "(data − model) / measured σ" };
const HINT = "Point at a map to read its values.";
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const colours = Object.fromEntries(Object.entries(source.colours).map(([name, text]) => [name, bytesOf(text)]));
let place = 0;

async function unpack(row) {
  const found = block(`galaxy-${row}`);
  if (!found) return null;
  const stream = new Blob([bytesOf(found.pixels)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let at = 0;
  for (const map of found.maps) {
    for (const panel of Object.values(map.panels)) {
      const size = map.shape[0] * map.shape[1];
      panel.bytes = bytes.subarray(at, at + size);
      at += size;
    }
  }
  return found;
}

async function openGalaxy(to) {
  place = Math.max(0, Math.min(passing.length - 1, to));
  const row = passing[place], dialog = $("galaxy");
  $("galaxy-name").textContent = ids[row];
  $("galaxy-place").textContent = `${(place + 1).toLocaleString("en")} of ${passing.length.toLocaleString("en")}`;
  $("previous").disabled = place === 0;
  $("next").disabled = place === passing.length - 1;
  $("readout").textContent = HINT;
  const message = String(named.get("message")?.values[row] ?? ""), good = named.get("converged")?.values[row] !== false;
  $("galaxy-message").textContent = good ? message.replace(/^converged$/, "") : `Not converged${message ? `: ${message.replace(/^not converged:? */i, "")}` : ""}`;
  $("galaxy-message").className = good ? "" : "bad";
  const told = columns.filter((column) => !["id", "message"].includes(column.name) && !column.helper);
  const ordered = [...told.filter((column) => column.low), ...told.filter((column) => !column.low)];
  $("numbers").replaceChildren(...ordered.flatMap((column) => numberEntry(column, row)));
  if (!dialog.open) {
    dialog.showModal();
    $("galaxy-name").focus();
  }
  const found = await unpack(row);
  // The reader may have gone on meanwhile.
  if (passing[place] !== row) return;
  $("maps").replaceChildren(...(found?.maps.length ? found.maps.map(mapElement) : [el("p", { class: "note" }, "No maps of this galaxy.")]));
  $("readout").hidden = !found?.maps.length;
  $("profile").hidden = !found?.profile?.radius;
  if (found?.profile?.radius) drawProfile(found.profile, found.maps.find((map) => !map.light));
}

function numberEntry(column, row) {
  const value = column.values[row], [low, high] = [column.low?.[row] ?? null, column.high?.[row] ?? null];
  let text = cellText(column, row);
  if (value !== null && low !== null && high !== null) {
    const up = high - value, down = value - low, places = up > 0 && down > 0 ? Math.min(8, decimals(Math.min(up, down))) : column.places;
    const [plus, minus] = [numberText(up, places), numberText(down, places)];
    text = `${numberText(value, places)} ${plus === minus ? `± ${plus}` : `+${plus} ${MINUS}${minus}`}`;
  }
  // Long names break where their parts meet.
  const parts = column.name.split(/(?<=[._])/).flatMap((part) => [part, el("wbr")]);
  return [el("dt", {}, ...parts), el("dd", {}, column.unit && text !== DASH ? `${text} ${column.unit}` : text)];
}

// The number that a byte stands for, NaN for none; and the same as text.
function valueOf(byte, panel, width) {
  if (byte === NOTHING) return NaN;
  const level = Math.min(LEVELS, Math.max(0, byte - 1)) / LEVELS;
  const value = panel.ends[0] + level * (panel.ends[1] - panel.ends[0]);
  return width === null ? value : width * Math.sinh(value);
}

function valueText(byte, kind, map) {
  const panel = map.panels[kind], width = kind === "residual" ? null : map.width, value = valueOf(byte, panel, width);
  const beyond = byte === BELOW ? "< " : byte === ABOVE ? "> " : "";
  const unit = kind === "residual" ? " σ" : map.unit && ` ${map.unit}`;
  const step = (panel.ends[1] - panel.ends[0]) / LEVELS;
  return Number.isNaN(value) ? DASH : `${beyond}${scaleText(value, width === null ? step : Math.max(step * Math.hypot(value, width), 1e-300))}${unit}`;
}

function scaleText(value, step) {
  const size = Math.abs(value);
  return size >= 1e6 || (size > 0 && size < 1e-3 && step < 1e-4) ? numberText(value, null) : numberText(value, Math.max(0, Math.min(8, -Math.floor(Math.log10(step)))));
}

function mapElement(map) {
  const kinds = Object.keys(map.panels), shared = kinds.filter((kind) => kind !== "residual");
  const panels = kinds.map((kind) => {
    const canvas = el("canvas", { role: "img", "aria-label": describePanel(map, kind), width: map.shape[1], height: map.shape[0] });
    paint(canvas, map, kind);
    canvas.addEventListener("pointermove", (event) => readOut(event, map));
    canvas.addEventListener("pointerleave", () => { $("readout").textContent = HINT; });
    return el("div", { class: "panel" }, el("span", {}, TITLES[kind]), canvas);
  });
  const bars = [colourBar(map, shared[0], shared.length), ...(map.panels.residual ? [colourBar(map, "residual", 1)] : [])];
  const grid = el("div", { class: "panels" }, ...panels, ...bars);
  grid.style.setProperty("--count", kinds.length);
  return el("figure", { class: "map" }, el("figcaption", {}, withUnit(map.name, map.unit)), grid);
}

function describePanel(map, kind) {
  const panel = map.panels[kind], known = panel.bytes.filter((byte) => byte !== NOTHING).sort();
  if (!known.length) return `${map.name}, ${TITLES[kind]}: no values`;
  const at = (part) => valueText(known[Math.round(part * (known.length - 1))], kind, map);
  return `${map.name}, ${TITLES[kind]}: from ${at(0)} to ${at(1)}, median ${at(0.5)}`;
}

function paint(canvas, map, kind) {
  const panel = map.panels[kind], [rows, across] = map.shape, pen = canvas.getContext("2d"), image = pen.createImageData(across, rows);
  const shades = colours[kind === "residual" ? "residual" : map.light ? "light" : "tracer"];
  const [low, high] = panel.colours;
  for (let i = 0; i < panel.bytes.length; i++) {
    if (panel.bytes[i] === NOTHING) continue;
    const part = (valueOf(panel.bytes[i], panel, null) - low) / (high - low), shade = 3 * Math.max(0, Math.min(255, Math.floor(256 * part)));
    // The first row lies below, as on the sky.
    const to = 4 * ((rows - 1 - Math.floor(i / across)) * across + (i % across));
    image.data.set([shades[shade], shades[shade + 1], shades[shade + 2], 255], to);
  }
  pen.putImageData(image, 0, 0);
}

function colourBar(map, kind, span) {
  const panel = map.panels[kind], residual = kind === "residual", [low, high] = panel.colours;
  const shades = colours[residual ? "residual" : map.light ? "light" : "tracer"], canvas = el("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  const pen = canvas.getContext("2d"), image = pen.createImageData(256, 1);
  for (let i = 0; i < 256; i++) image.data.set([shades[3 * i], shades[3 * i + 1], shades[3 * i + 2], 255], 4 * i);
  pen.putImageData(image, 0, 0);
  const bar = el("div", { class: "colours" }, canvas, el("div", { class: "ticks" }, ...barTicks(panel.colours, residual ? null : map.width, span)));
  bar.style.gridColumn = `span ${span}`;
  return bar;
}

// Round numbers along a colour bar; of a scale that is logarithmic above the noise zero, and powers of ten.
function barTicks([low, high], width, span) {
  let ticks = width === null ? steps(low, high, span > 1 ? 7 : 5) : [];
  if (width !== null) {
    const [first, last] = [low, high].map((end) => width * Math.sinh(end)), begin = Math.ceil(Math.log10(2 * width));
    const powers = Array.from({ length: Math.max(0, Math.floor(Math.log10(Math.max(last, width))) - begin + 1) }, (_, i) => 10 ** (begin + i));
    const round = powers.length > 2 ? powers : powers.flatMap((power) => [power, 3 * power]);
    ticks = [0, ...round].filter((v) => v >= first && v <= last).map((v) => [Math.asinh(v / width), scaleText(v, v || 1)]);
  }
  return ticks.map(([at, text]) => {
    const tick = el("span", {}, text);
    tick.style.left = `${((at - low) / (high - low)) * 100}%`;
    return tick;
  });
}

function readOut(event, map) {
  const box = event.target.getBoundingClientRect(), [rows, across] = map.shape;
  const column = Math.min(across - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * across)));
  const row = Math.min(rows - 1, Math.max(0, rows - 1 - Math.floor(((event.clientY - box.top) / box.height) * rows)));
  const at = (i, n) => (map.scale ? `${numberText((i - (n - 1) / 2) * map.scale, 2)}″` : String(i));
  const values = Object.keys(map.panels).map((kind) => `${kind} ${valueText(map.panels[kind].bytes[row * across + column], kind, map)}`);
  $("readout").textContent = `${map.name} at x ${at(column, across)}, y ${at(row, rows)}:  ${values.join(",  ")}`;
}

function drawProfile(profile, map) {
  const canvas = document.querySelector("#profile canvas"), { radius, data = [], error = [], model = [] } = profile;
  const bars = data.flatMap((v, i) => (v === null ? [] : error[i] ? [v - error[i], v + error[i]] : [v]));
  const [low, high] = ends([...bars, ...model.filter((v) => v !== null)]), reach = Math.max(...radius.filter((r) => r !== null));
  const { pen, X, Y, inside } = chart(canvas, { low: 0, high: reach * 1.04 || 1, label: "radius [arcsec]" }, { low, high, label: profile.label || (map ? withUnit(map.name, map.unit) : "") });
  inside();
  pen.strokeStyle = pen.fillStyle = theme("ink");
  radius.forEach((r, i) => {
    if (r === null || (data[i] ?? null) === null) return;
    if (error[i]) rule(pen, X(r), Y(data[i] - error[i]), X(r), Y(data[i] + error[i]));
    pen.fillRect(X(r) - 2.5, Y(data[i]) - 2.5, 5, 5);
  });
  pen.strokeStyle = theme("accent");
  pen.lineWidth = 2;
  pen.beginPath();
  let drawing = false;
  radius.forEach((r, i) => {
    const known = r !== null && (model[i] ?? null) !== null;
    if (known) pen[drawing ? "lineTo" : "moveTo"](X(r), Y(model[i]));
    drawing = known;
  });
  pen.stroke();
  canvas.setAttribute("aria-label", `Radial profile: ${data.filter((v) => v !== null).length} points out to ${numberText(reach, 1)} arcsec${model.length ? ", with the model as a line" : ""}.`);
}
