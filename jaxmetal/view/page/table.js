// The table: columns, order, filters, and the rows that can be seen.
const ROW = 36, SPARE = 8, WIDEST = 30;
// Columns of places on the sky, of which no digits that tell neighbours apart may be lost.
const PLACES_ON_SKY = /^(ra|dec)(_|$)/i;
// What stands beside a parameter or a column and is not shown or plotted by itself unless asked for.
const HELPERS = /(\.(q16|q84|mean|sd|ess|r_hat|value|error)|_error)$/;
const source = block("table");
const named = new Map(source.columns.map((column) => [column.name, column]));
const columns = source.columns.map(describe).filter(Boolean);
const count = source.columns.length ? source.columns[0].values.length : 0;
const ids = named.get("id").values.map(String);
const sorting = { column: null, down: false };
// Where no parameter was fitted, the first few numbers are what there is to see.
if (!columns.some((column) => column.low)) for (const column of columns.filter((c) => c.kind === "number").slice(0, 6)) column.shown = true;
let order = [...Array(count).keys()], passing = order, current = 0, drawn = "";

// A column as it is shown: a parameter takes its error from its neighbours, as q50 from q16 and q84.
function describe(column) {
  const stem = column.name.replace(/\.q50$/, ""), beside = (name) => named.get(name)?.kind === "number" && named.get(name).values;
  const made = { name: column.name, unit: column.unit, kind: column.kind, values: column.values, helper: HELPERS.test(column.name) };
  if (column.kind === "number") {
    let low = beside(`${stem}.q16`), high = beside(`${stem}.q84`);
    const error = stem === column.name && beside(`${column.name}_error`);
    if (error) [low, high] = [-1, 1].map((sign) => column.values.map((v, i) => (v === null || error[i] === null ? null : v + sign * error[i])));
    if ((stem !== column.name || error) && low && high) {
      Object.assign(made, { low, high, name: named.has(stem) && stem !== column.name ? column.name : stem });
    }
    const errors = made.low && made.low.map((v, i) => halfWidth(made, i)).filter((v) => v > 0);
    made.places = errors && errors.length ? Math.min(8, decimals(quantile(errors, 0.5))) : placesOf(column.values);
    if (PLACES_ON_SKY.test(column.name) && made.places !== null) made.places = Math.max(5, made.places);
  }
  const at = made.name.lastIndexOf(".") + 1;
  [made.path, made.label] = [made.name.slice(0, at), made.name.slice(at)];
  made.shown = made.name === "id" || !!made.low || made.kind === "flag" || made.name === "message";
  return made;
}

function halfWidth(column, row) {
  const low = column.low?.[row] ?? null, high = column.high?.[row] ?? null;
  return low === null || high === null ? null : (high - low) / 2;
}

function cellText(column, row) {
  const value = column.values[row];
  if (value === null || value === "") return DASH;
  if (column.kind === "flag") return value ? "yes" : "no";
  if (column.kind === "text") return String(value);
  const half = halfWidth(column, row);
  // An error far below the column's usual one has digits of its own.
  const places = half > 0 && half < 0.5 * 10 ** -column.places ? Math.min(8, decimals(half)) : column.places;
  return numberText(value, places) + (half === null ? "" : ` ± ${numberText(half, places)}`);
}

// What a filter's text asks of a value: a function, null for nothing, undefined if it cannot be understood.
function condition(text, kind) {
  const said = text.trim().replaceAll(MINUS, "-").toLowerCase();
  if (!said) return null;
  const [, sign, rest] = said.match(/^(<=|>=|!=|<|>|=)?\s*(.*)$/);
  if (kind === "text") {
    const part = (v) => (sign === "=" || sign === "!=" ? v === rest : v.includes(rest));
    return (v) => part(String(v ?? "").toLowerCase()) !== (sign === "!=");
  }
  const words = { true: true, yes: true, false: false, no: false }, nothing = ["nan", "none", DASH].includes(rest);
  if (nothing) return (v) => (v === null) !== (sign === "!=");
  if (kind === "flag") {
    // While a word is being typed.
    const key = Object.keys(words).find((word) => rest && word.startsWith(rest));
    return key && (!sign || sign.endsWith("=")) ? (v) => v !== null && (v === words[key]) !== (sign === "!=") : undefined;
  }
  const between = said.match(/^(\S+)\s*\.\.\s*(\S+)$/)?.slice(1).map(Number);
  if (between?.every(Number.isFinite)) return (v) => v !== null && v >= between[0] && v <= between[1];
  const limit = Number(rest);
  if (!rest || !Number.isFinite(limit)) return undefined;
  const test = { "<": (v) => v < limit, ">": (v) => v > limit, "<=": (v) => v <= limit, ">=": (v) => v >= limit, "!=": (v) => v !== limit };
  const chosen = test[sign] ?? ((v) => v === limit);
  return (v) => v !== null && chosen(v);
}

function sift() {
  const tests = [];
  const fields = [...$("filters").querySelectorAll("input")];
  for (const field of fields) {
    const column = columns[field.dataset.column], test = condition(field.value, column.kind);
    if (test === undefined) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    if (test) tests.push((row) => test(column.values[row]));
  }
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean), texts = columns.filter((column) => column.kind === "text");
  if (words.length) tests.push((row) => words.every((word) => texts.some((c) => String(c.values[row] ?? "").toLowerCase().includes(word))));
  passing = order.filter((row) => tests.every((test) => test(row)));
  $("clear").hidden = ![$("search"), ...fields].some((field) => field.value);
  refresh();
}

function sortBy(column) {
  sorting.down = sorting.column === column && !sorting.down;
  sorting.column = column;
  const values = column.values, sign = sorting.down ? -1 : 1, words = new Intl.Collator("en", { numeric: true });
  const compare = column.kind === "text" ? (a, b) => words.compare(values[a], values[b]) : (a, b) => values[a] - values[b];
  const [known, unknown] = [[], []];
  for (let row = 0; row < count; row++) (values[row] === null ? unknown : known).push(row);
  // Rows without a value come last either way.
  order = [...known.sort((a, b) => sign * compare(a, b) || a - b), ...unknown];
  for (const head of $("heads").children) {
    const mine = columns[head.dataset.column] === column;
    head.setAttribute("aria-sort", mine ? (sorting.down ? "descending" : "ascending") : "none");
  }
  // The same galaxies as before: counts and plots stay.
  const kept = new Set(passing);
  passing = order.filter((row) => kept.has(row));
  toTop();
}

function toTop() {
  current = 0;
  $("scroller").scrollTop = 0;
  drawn = "";
  drawRows();
}

function refresh() {
  toTop();
  const part = passing.length === count ? "" : `${passing.length.toLocaleString("en")} of `;
  const bad = named.get("converged")?.values.filter((v) => v === false).length;
  $("status").textContent = `${part}${count.toLocaleString("en")} ${count === 1 ? "galaxy" : "galaxies"}${bad && !part ? `, ${bad.toLocaleString("en")} not converged` : ""}`;
  $("none").hidden = passing.length > 0;
  $("none").textContent = count ? "No galaxy passes the filters." : "No galaxies.";
  $("galaxies").setAttribute("aria-rowcount", passing.length + 2);
  drawPlots();
}

function drawHeads() {
  const shown = columns.filter((column) => column.shown), typed = new Map([...$("filters").querySelectorAll("input")].map((f) => [f.dataset.column, f.value]));
  $("heads").replaceChildren(...shown.map(head));
  $("filters").replaceChildren(...shown.map((column) => filterField(column, typed.get(String(columns.indexOf(column))) ?? "")));
  const widths = shown.map(widthOf);
  document.querySelector("#galaxies colgroup").replaceChildren(...widths.map((width) => {
    const col = el("col");
    col.style.width = `calc(${width}ch + 26px)`;
    return col;
  }));
  $("galaxies").style.width = `calc(${widths.reduce((a, b) => a + b, 0)}ch + ${26 * widths.length}px)`;
  $("scroller").style.scrollPaddingLeft = `calc(${widths[0]}ch + 30px)`;
  document.querySelector("#chooser summary").textContent = `Columns (${shown.length} of ${columns.length})`;
  sift();
}

function widthOf(column) {
  column.width ??= Math.max(7, column.label.length + 3, 0.85 * column.path.length, 0.85 * column.unit.length,
    largest(column.values.map((_, row) => cellText(column, row).length)));
  // Names stay in view when the table is moved sideways, so they must leave room.
  return Math.min(column.name === "id" ? 22 : WIDEST, column.width);
}

function head(column) {
  const button = el("button", { type: "button" }, el("span", { class: "path" }, column.path), el("span", { class: "label" }, column.label),
    el("span", { class: "unit" }, column.unit));
  button.addEventListener("click", () => sortBy(column));
  const down = sorting.column === column && (sorting.down ? "descending" : "ascending");
  return el("th", { scope: "col", class: column.kind, "data-column": columns.indexOf(column), "aria-sort": down || "none", title: column.name }, button);
}

function filterField(column, value) {
  const hint = { number: "> 0", flag: "yes / no", text: "contains" }[column.kind];
  const field = el("input", { type: "text", placeholder: hint, "aria-label": `Filter ${column.name}`, "data-column": columns.indexOf(column), spellcheck: "false", autocomplete: "off" });
  field.value = value;
  field.addEventListener("input", sift);
  return el("td", { class: column.kind }, field);
}

function drawRows() {
  const scroller = $("scroller"), seen = Math.ceil(scroller.clientHeight / ROW);
  const first = Math.max(0, Math.min(Math.floor(scroller.scrollTop / ROW), passing.length - seen) - SPARE);
  const last = Math.min(passing.length, first + seen + 2 * SPARE);
  if (drawn === `${first} ${last}`) return;
  drawn = `${first} ${last}`;
  const focused = $("rows").contains(document.activeElement), shown = columns.filter((column) => column.shown);
  const tabbed = current >= first && current < last ? current : first;
  $("rows").replaceChildren(...passing.slice(first, last).map((row, i) => rowElement(row, first + i, shown, first + i === tabbed)));
  for (const [id, rows] of [["above", first], ["below", passing.length - last]]) {
    const space = el("td", { colspan: shown.length });
    space.style.height = `${rows * ROW}px`;
    $(id).replaceChildren(...(rows ? [el("tr", {}, space)] : []));
  }
  // Rows that are scrolled away must not take the focus with them.
  if (focused) (current >= first && current < last ? buttonAt(current) : scroller).focus({ preventScroll: true });
}

function rowElement(row, place, shown, tabbed) {
  const cells = shown.map((column) => {
    const text = cellText(column, row);
    if (column.name !== "id") return el("td", { class: `${column.kind}${column.name === "converged" && column.values[row] === false ? " bad" : ""}`, ...(column.kind === "text" ? { title: text } : {}) }, text);
    return el("th", { scope: "row" }, el("button", { type: "button", class: "open", tabindex: tabbed ? 0 : -1, "aria-haspopup": "dialog" }, text));
  });
  return el("tr", { "aria-rowindex": place + 3, "data-place": place }, ...cells);
}

function buttonAt(place) {
  return $("rows").querySelector(`tr[data-place="${place}"] button`);
}

function focusRow(place) {
  current = Math.max(0, Math.min(passing.length - 1, place));
  const scroller = $("scroller"), top = current * ROW, room = scroller.clientHeight - $("galaxies").tHead.offsetHeight - ROW;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
  drawn = "";
  drawRows();
  buttonAt(current)?.focus({ preventScroll: true });
}

function moveInRows(event) {
  const page = Math.floor($("scroller").clientHeight / ROW) - 3, place = Number(event.target.closest("tr").dataset.place);
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + page, PageUp: place - page, Home: 0, End: passing.length }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  focusRow(to);
}

function drawChoices() {
  $("choices").replaceChildren(...columns.filter((column) => column.name !== "id").map((column) => {
    const box = el("input", { type: "checkbox" });
    box.checked = column.shown;
    box.addEventListener("change", () => {
      column.shown = box.checked;
      drawHeads();
    });
    return el("label", {}, box, withUnit(column.name, column.unit));
  }));
}
