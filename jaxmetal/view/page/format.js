"use strict";
// Elements and numbers: what every part of the page uses.
const DASH = "–", MINUS = "−";
const $ = (id) => document.getElementById(id);

function block(id) {
  const found = $(id);
  return found && JSON.parse(found.textContent);
}

// Strings only ever become text nodes and attributes, never markup.
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Not by spreading, which browsers allow for some ten thousand values only.
function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

function quantile(values, part) {
  const sorted = values.filter((v) => v !== null).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.round(part * (sorted.length - 1))] : null;
}

// Decimal places that an error leaves: two digits of it if it starts with 1 or 2, else one.
function decimals(error) {
  const exponent = Math.floor(Math.log10(error));
  return Math.max(0, -exponent + (error < 3 * 10 ** exponent ? 1 : 0));
}

// Places for a column of plain numbers: three digits of its spread; null stands for powers of ten.
function placesOf(values) {
  const known = values.filter((v) => v !== null), sizes = known.map(Math.abs);
  const size = quantile(sizes, 0.95);
  if (known.every(Number.isInteger) && size < 1e9) return 0;
  if (size >= 1e6 || (size > 0 && size < 1e-3)) return null;
  const spread = quantile(known, 0.84) - quantile(known, 0.16) || size;
  return Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(spread))));
}

function numberText(value, places) {
  if (value === null || !Number.isFinite(value)) return DASH;
  const written = places === null ? value.toExponential(2).replace("+", "") : value.toFixed(places);
  // What rounding has left of a zero has no sign.
  return (Number(written) === 0 ? written.replace("-", "") : written).replaceAll("-", MINUS);
}

function withUnit(label, unit) {
  return unit ? `${label} [${unit}]` : label;
}
