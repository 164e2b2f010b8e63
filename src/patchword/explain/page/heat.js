// A matrix as a heat map: labels of both axes, a cursor for pointer and keyboard, a scale, and the same as a table.

import { range } from "./arrays.js";
import { paint, scale, toned } from "./colours.js";
import { element, folded, unique } from "./dom.js";
import { number, say, t } from "./language.js";

const LABELLED = 11; // pixels of a cell from which on its label can be read
const LARGEST = 26;
const FEW = 48; // rows that stay high enough for their labels however many columns there are
const LEAST_HIGH = 13;
const MANY = 50; // rows or columns from which on the size of a cell is a matter of choice
const TABLE = 48; // rows and columns that a table still shows
const STRONGEST = 60; // and what it shows of a larger matrix

/** A piece as people read it: the mark of a space becomes a dot, the end token a square. */
export function shown(piece) {
  if (piece === "</s>") return "■";
  return piece.replaceAll("▁", "·").replace(/[\p{Cc}\p{Cs}]/gu, "�");
}

/**
 * A heat map of rows x columns labels: {node, set(values, [low, high])}; name() says what the values are, rowName() and
 * columnName() what the axes count. With hint false nothing says how it is read while nobody reads it.
 */
export function heatMap({ rows, columns, name, rowName, columnName, format = number, hint = true }) {
  let values = new Float32Array(rows.length * columns.length);
  let limits = [0, 1];
  let cell = null; // pixels, once chosen by hand
  let at = [0, 0];
  const status = element("p", { class: "status", id: unique("status"), "aria-live": "polite" });
  const canvas = element("canvas", { "aria-hidden": "true" });
  const cursor = element("span", { class: "cursor", hidden: true });
  const field = element("div", {
    class: "heat-field", tabindex: 0, role: "application", "aria-describedby": status.id,
    keydown: moved, focus: () => look(...at), blur: () => { cursor.hidden = true; },
    pointermove: pointed, pointerdown: pointed, pointerleave: () => { if (document.activeElement !== field) rest(); },
  }, canvas, cursor);
  say(field, () => t("heat-label", { name: name(), rows: rows.length, columns: columns.length }), "aria-label");
  const above = element("div", { class: "heat-columns", "aria-hidden": "true" });
  const beside = element("div", { class: "heat-rows", "aria-hidden": "true" });
  const corner = element("div", { class: "heat-corner", "aria-hidden": "true" },
    say(element("span"), () => `${columnName()} →`), say(element("span"), () => `${rowName()} ↓`));
  const grid = element("div", { class: "heat-grid" }, corner, above, beside, field);
  const box = element("div", { class: "heat-box" }, grid);
  const bar = scale();
  const zoom = zoomControl();
  const tableBody = folded(say(element("span"), () => t("as-table")), drawTable, { kind: "aside" });
  const many = Math.max(rows.length, columns.length) > MANY;
  const node = element("figure", { class: "heat" }, box, status,
    element("div", { class: "heat-foot" }, bar.node, many ? zoom : null), tableBody);
  rest();
  for (const [labels, place] of [[columns, above], [rows, beside]]) {
    place.append(...labels.map((label) => element("bdi", {}, shown(label))));
  }
  new ResizeObserver(fit).observe(box);

  function fit() {
    const beside = Math.min(110, 16 + 7.5 * Math.max(4, ...rows.map((label) => [...label].length)));
    const room = (box.clientWidth - beside - 4) / Math.max(1, columns.length);
    const pixels = cell ?? Math.max(3, Math.min(LARGEST, Math.floor(room)));
    grid.style.setProperty("--cell", `${pixels}px`);
    grid.style.setProperty("--across", columns.length);
    grid.style.setProperty("--down", rows.length);
    const high = rows.length <= FEW && cell === null ? Math.max(pixels, LEAST_HIGH) : pixels;
    grid.style.setProperty("--high", `${high}px`);
    grid.classList.toggle("narrow", pixels < LABELLED);
    grid.classList.toggle("low", high < LABELLED);
    zoom.querySelector("input").value = String(pixels);
  }

  function zoomControl() {
    const input = element("input", { type: "range", min: 3, max: LARGEST, step: 1, input: () => {
      cell = Number(input.value);
      fit();
    } });
    return element("label", { class: "control zoom" }, say(element("span"), () => t("size")), input);
  }

  function place(row, column) {
    return { row: shown(rows[row]), column: shown(columns[column]), rows: rowName(), columns: columnName(),
      value: format(values[row * columns.length + column]) };
  }

  function look(row, column) {
    at = [row, column];
    cursor.hidden = false;
    cursor.style.setProperty("--row", row);
    cursor.style.setProperty("--column", column);
    status.classList.remove("resting");
    say(status, () => t("heat-cell", place(row, column)));
  }

  function rest() {
    cursor.hidden = true;
    status.classList.add("resting");
    say(status, () => (hint ? t("heat-rest") : ""));
  }

  function pointed(event) {
    const place = field.getBoundingClientRect();
    const row = Math.floor(((event.clientY - place.top) / place.height) * rows.length);
    const column = Math.floor(((event.clientX - place.left) / place.width) * columns.length);
    if (row >= 0 && row < rows.length && column >= 0 && column < columns.length) look(row, column);
  }

  function moved(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -Infinity], End: [0, Infinity] }[event.key];
    if (!step) return;
    event.preventDefault();
    const within = (value, most) => Math.max(0, Math.min(most - 1, value));
    look(within(at[0] + step[0], rows.length), within(at[1] + step[1], columns.length));
    const [wide, high] = ["--cell", "--high"].map((name) => parseFloat(grid.style.getPropertyValue(name)));
    keepInSight(box, field.offsetLeft + at[1] * wide, wide, "Left", "Width", beside.offsetWidth);
    keepInSight(box, field.offsetTop + at[0] * high, high, "Top", "Height", above.offsetHeight);
  }

  function drawTable(body) {
    const fill = () => body.replaceChildren(rows.length <= TABLE && columns.length <= TABLE ? whole() : strongest());
    refill = fill;
    fill();
  }
  let refill = () => {};

  function whole() {
    const caption = say(element("caption"), name);
    const head = element("tr", {}, say(element("th", { scope: "col" }), () => `${rowName()} ↓ ${columnName()} →`),
      ...columns.map((label) => element("th", { scope: "col" }, element("bdi", {}, shown(label)))));
    const lines = rows.map((label, row) => element("tr", {},
      element("th", { scope: "row" }, element("bdi", {}, shown(label))),
      ...columns.map((_, column) => element("td", {}, format(values[row * columns.length + column])))));
    return scrolling(element("table", { class: "numbers" }, caption, element("thead", {}, head),
      element("tbody", {}, ...lines)), name);
  }

  function strongest() {
    const order = [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, STRONGEST);
    const head = element("tr", {}, ...[rowName, columnName, () => t("value")].map((text) =>
      say(element("th", { scope: "col" }), text)));
    const lines = order.map((index) => {
      const [row, column] = [Math.floor(index / columns.length), index % columns.length];
      return element("tr", {}, element("td", {}, element("bdi", {}, shown(rows[row]))),
        element("td", {}, element("bdi", {}, shown(columns[column]))), element("td", {}, format(values[index])));
    });
    return scrolling(element("table", { class: "numbers" },
      say(element("caption"), () => t("strongest", { count: order.length, name: name() })),
      element("thead", {}, head), element("tbody", {}, ...lines)), name);
  }

  function set(numbers, between = range(numbers)) {
    values = numbers;
    limits = between;
    paint(canvas, values, rows.length, columns.length, ...limits);
    bar.set(...limits);
    refill();
    if (!cursor.hidden) look(...at);
  }

  toned(canvas, () => paint(canvas, values, rows.length, columns.length, ...limits));
  fit();
  return { node, set };
}

/** A box of its own for what is wider than the page; it can be scrolled with the keyboard. */
export function scrolling(content, name) {
  const box = element("div", { class: "scrolling", tabindex: 0, role: "region" }, content);
  say(box, name, "aria-label");
  return box;
}

/** Scrolls a box along one axis so that a stretch of it is seen, beside what sticks to its edge. */
export function keepInSight(box, start, length, edge, extent, stuck = 0) {
  const [seen, room] = [box[`scroll${edge}`], box[`client${extent}`]];
  if (start - stuck < seen) box[`scroll${edge}`] = start - stuck - length;
  else if (start + length > seen + room) box[`scroll${edge}`] = start + 2 * length - room;
}
