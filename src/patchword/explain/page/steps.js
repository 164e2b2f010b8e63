// The picture of one step of the walk, by its kind: matrix, tokens, pictures, bars, words.

import { range, unpacked } from "./arrays.js";
import { bars } from "./bars.js";
import { colourTile } from "./charts.js";
import { axisName, choices } from "./choices.js";
import { paint, scale, toned } from "./colours.js";
import { element } from "./dom.js";
import { heatMap, scrolling, shown } from "./heat.js";
import { number, percent, say, t, told } from "./language.js";
import { wordByWord } from "./word_by_word.js";

/** Draws a step's picture into the node. */
export async function stepPicture(node, step) {
  if (step.kind === "tokens" && step.items) tokens(node, step.items);
  else if (step.kind === "words" && step.items) wordByWord(node, step.items);
  else if (step.kind === "bars" && (step.array || step.items)) await barPicture(node, step);
  else if (step.kind === "pictures" && step.array) await pictures(node, step);
  else if (step.array) await matrix(node, step);
}

async function matrix(node, step) {
  const array = await unpacked(step.array);
  const axes = array.shape.length > 1 ? array.axes : ["", ...array.axes];
  const shape = array.shape.length > 1 ? array.shape : [1, ...array.shape];
  const laid = { axes, shape, values: array.values };
  const chosen = choices(laid, 2, () => set());
  const [row, column] = axes.slice(-2);
  const [down, across] = shape.slice(-2);
  const map = heatMap({ rows: labels(step, row, down, "rows"), columns: labels(step, column, across, "columns"),
    name: () => [told(step.title), chosen.told()].filter(Boolean).join(", "),
    rowName: () => axisName(row), columnName: () => axisName(column), hint: false });
  const set = () => map.set(chosen.of(laid).values);
  node.append(chosen.node, map.node);
  set();
}

// Labels belong to an axis by its name, or, where both axes have one name, to rows and columns.
function labels(step, axis, count, side) {
  const found = step.labels?.[axis] ?? step.labels?.[side] ?? [];
  return Array.from({ length: count }, (_, index) => (found[index] === undefined ? String(index + 1) : String(found[index])));
}

function tokens(node, items) {
  const list = items.map((item) => element("li", {}, element("bdi", { class: "piece" }, shown(String(item.piece ?? item.label ?? item))),
    item.id === undefined ? null : element("span", { class: "id" }, String(item.id))));
  const row = element("ol", { class: "tokens" }, ...list);
  say(row, () => t("tokens"), "aria-label");
  node.append(row);
}

async function barPicture(node, step) {
  let rows;
  if (step.items) {
    rows = step.items.map((item) => {
      const value = item.probability ?? item.value ?? 0;
      const name = shown(String(item.class ?? item.piece ?? item.label ?? ""));
      return { label: name, value, told: item.probability === undefined ? number(value) : percent(value) };
    });
  } else {
    const { axes, shape, values } = await unpacked(step.array);
    const names = labels(step, axes.at(-1), shape.at(-1), "columns");
    rows = names.map((label, index) => ({ label: shown(label), value: values[index], told: number(values[index]) }));
  }
  node.append(bars({ rows, name: () => axisName(step.axes?.at(-1) ?? "class"), valueName: () => t("value") }));
}

// Pictures (picture, row, column), or in colour (..., row, column, channel) of three channels.
async function pictures(node, step) {
  const { axes, shape, values } = await unpacked(step.array);
  const coloured = axes.at(-1) === "channel" && shape.at(-1) === 3;
  const channels = coloured ? 3 : 1;
  const [rows, columns] = shape.slice(0, shape.length - (coloured ? 1 : 0)).slice(-2);
  const size = rows * columns * channels;
  const count = values.length / size;
  const limits = range(values);
  const tiles = element("div", { class: count === 1 ? "tiles single" : "tiles", role: "img" });
  say(tiles, () => t("pictures-label", { count, rows, columns }), "aria-label");
  const grid = axes.length - (coloured ? 1 : 0) === 4 ? shape[1] : null;
  if (grid) tiles.style.setProperty("--tiles", grid);
  for (let index = 0; index < count; index += 1) {
    const own = values.subarray(index * size, (index + 1) * size);
    if (coloured) tiles.append(colourTile(own, rows, columns, 3, limits));
    else {
      const canvas = element("canvas", { "aria-hidden": "true" });
      toned(canvas, () => paint(canvas, own, rows, columns, ...limits));
      tiles.append(canvas);
    }
  }
  node.append(grid ? scrolling(tiles, () => told(step.title)) : tiles);
  if (!coloured) {
    const bar = scale();
    bar.set(...limits);
    node.append(bar.node);
  }
}
