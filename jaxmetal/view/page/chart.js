// A canvas with two axes. x and y are {low, high, label, ticks?}; what comes back draws in their units.
function theme(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function steps(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((n) => n * power >= rough);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push([i * step, numberText(i * step, places)]);
  // Very large and very small numbers would run into each other.
  const size = Math.max(Math.abs(low), Math.abs(high));
  const short = (at) => (Math.abs(at) < step / 2 ? "0" : Number(at.toPrecision(3)).toExponential().replaceAll("-", MINUS).replace("+", ""));
  return size >= 1e6 || size < 1e-4 ? found.map(([at]) => [at, short(at)]) : found;
}

function chart(canvas, x, y) {
  const dots = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = Math.round(width * dots);
  canvas.height = Math.round(height * dots);
  const pen = canvas.getContext("2d");
  pen.scale(dots, dots);
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const bottom = 44, top = 10, right = 14;
  const up = y.ticks ?? steps(y.low, y.high, Math.max(2, (height - bottom) / 45));
  const left = 34 + Math.max(...up.map(([, text]) => pen.measureText(text).width), 0);
  const across = x.ticks ?? steps(x.low, x.high, Math.max(2, (width - left) / 75));
  const X = (v) => left + ((v - x.low) / (x.high - x.low)) * (width - left - right);
  const Y = (v) => height - bottom - ((v - y.low) / (y.high - y.low)) * (height - bottom - top);
  pen.strokeStyle = theme("line");
  pen.fillStyle = theme("muted");
  pen.lineWidth = 1;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const [at, text] of up) {
    rule(pen, left, Y(at), width - right, Y(at));
    pen.fillText(text, left - 8, Y(at));
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const [at, text] of across) {
    rule(pen, X(at), height - bottom, X(at), height - bottom + 4);
    pen.fillText(text, X(at), height - bottom + 7);
  }
  pen.fillStyle = theme("ink");
  pen.fillText(fitted(pen, x.label, width - left - right), (left + width - right) / 2, height - 17);
  pen.save();
  pen.translate(4, (height - bottom + top) / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(fitted(pen, y.label, height - bottom - top), 0, 0);
  pen.restore();
  const inside = () => { pen.beginPath(); pen.rect(left, top, width - left - right, height - top - bottom); pen.clip(); };
  return { pen, X, Y, inside };
}

function rule(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

// A label as long as there is room; its end tells more than its beginning.
function fitted(pen, text, room) {
  let kept = text;
  while (kept.length > 1 && pen.measureText(kept).width > room) kept = `…${kept.slice(kept[0] === "…" ? 2 : 1)}`;
  return kept;
}

// Ends of an axis that hold all values, but for outliers that would press the others together.
function ends(values) {
  if (!values.length) return [0, 1];
  const sorted = values.slice().sort((a, b) => a - b), at = (part) => sorted[Math.round(part * (sorted.length - 1))];
  const reach = at(0.98) - at(0.02);
  let low = at(0), high = at(1);
  if (reach > 0) [low, high] = [Math.max(low, at(0.02) - reach), Math.min(high, at(0.98) + reach)];
  const gap = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - gap, high + gap];
}
