// What an image model has learned (Figure 7 of the ViT paper): attention distance, positions, the first filters.

import { range, unpacked } from "./arrays.js";
import { paint, scale, toned } from "./colours.js";
import { element, folded, shape } from "./dom.js";
import { scrolling } from "./heat.js";
import { known, number, say, t } from "./language.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [560, 260, 52, 36, 12];

/** The figures that an image's document has of what its model learned; each is drawn when it is opened. */
export function learned(container, image) {
  const figures = [["distance", distanceChart], ["positions", positionGrid], ["filters", filterTiles]];
  for (const [key, draw] of figures) {
    if (!image[key]) continue;
    container.append(folded(say(element("span"), () => t(key)), async (body) => {
      body.append(say(element("p", { class: "about" }), () => t(`${key}-about`)));
      await draw(body, image[key]);
    }));
  }
}

/** Mean attention distance: a dot a head over its layer, and the numbers as a table. */
export async function distanceChart(container, { array: packed, unit }) {
  const { shape: [layers, heads], values } = await unpacked(packed);
  const unitName = () => (known(`unit-${unit}`) ? t(`unit-${unit}`) : unit);
  const ticks = roundTicks(Math.max(...values, 1e-9));
  const x = (layer) => LEFT + ((WIDTH - LEFT - 12) * (layer + 0.5)) / layers;
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / ticks.at(-1);
  const drawing = shape("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  say(drawing, () => `${t("distance")}. ${t("distance-about")}`, "aria-label");
  for (const tick of ticks) {
    drawing.append(shape("line", { class: "rule", x1: LEFT, x2: WIDTH - 8, y1: y(tick), y2: y(tick) }),
      shape("text", { class: "tick", x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick)));
  }
  const every = Math.ceil(layers / 12);
  for (let layer = 0; layer < layers; layer += 1) {
    if (layer % every === 0) {
      drawing.append(shape("text", { class: "tick", x: x(layer), y: HEIGHT - 18, "text-anchor": "middle" }, String(layer + 1)));
    }
    for (let head = 0; head < heads; head += 1) {
      const value = values[layer * heads + head];
      drawing.append(shape("circle", { class: "dot", cx: x(layer), cy: y(value), r: 3.5 }, say(shape("title"), () =>
        t("mean-distance", { layer: layer + 1, head: head + 1, value: number(value) }))));
    }
  }
  drawing.append(say(shape("text", { class: "tick", x: (LEFT + WIDTH) / 2, y: HEIGHT - 2, "text-anchor": "middle" }),
    () => t("axis-layer")));
  const head = element("tr", {}, say(element("th", { scope: "col" }), () => t("axis-layer")),
    ...Array.from({ length: heads }, (_, index) =>
      say(element("th", { scope: "col" }), () => `${t("axis-head")} ${index + 1}`)));
  const lines = Array.from({ length: layers }, (_, layer) => element("tr", {},
    element("th", { scope: "row" }, String(layer + 1)),
    ...Array.from({ length: heads }, (_, index) => element("td", {}, number(values[layer * heads + index])))));
  container.append(
    say(element("p", { class: "axis" }), () => t("distance-axis", { unit: unitName() })),
    drawing,
    folded(say(element("span"), () => t("as-table")), (body) => body.append(scrolling(
      element("table", { class: "numbers" }, element("thead", {}, head), element("tbody", {}, ...lines)),
      () => t("distance"))), { kind: "aside" }));
}

/** Similarity of positions (row, column, row, column): a tile a position, each a map of all positions. */
export async function positionGrid(container, packed) {
  const { shape: [rows, columns, height, width], values } = await unpacked(packed);
  const [low, high] = range(values);
  const gap = 1;
  const [across, down] = [columns * (width + gap) - gap, rows * (height + gap) - gap];
  const whole = element("canvas", { class: "grid", role: "img", width: across, height: down });
  say(whole, () => `${t("positions")}: ${t("positions-about")}`, "aria-label");
  const bar = scale();
  toned(whole, () => {
    const context = whole.getContext("2d");
    const tile = document.createElement("canvas");
    context.clearRect(0, 0, across, down);
    for (let place = 0; place < rows * columns; place += 1) {
      paint(tile, values.subarray(place * height * width, (place + 1) * height * width), height, width, low, high);
      context.drawImage(tile, (place % columns) * (width + gap), Math.floor(place / columns) * (height + gap));
    }
  });
  bar.set(low, high);
  container.append(whole, bar.node);
}

/** Filters (filter, row, column, channel) as small pictures, each stretched over its own range. */
export async function filterTiles(container, packed) {
  const { shape: [count, rows, columns, channels], values } = await unpacked(packed);
  const tiles = element("div", { class: "tiles", role: "img" });
  say(tiles, () => t("filters-label", { count, rows, columns }), "aria-label");
  for (let index = 0; index < count; index += 1) {
    const size = rows * columns * channels;
    tiles.append(colourTile(values.subarray(index * size, (index + 1) * size), rows, columns, channels));
  }
  container.append(tiles);
}

/** A canvas of pixels (row, column, channel) with one or three channels, stretched over their range. */
export function colourTile(values, rows, columns, channels, [low, high] = range(values)) {
  const canvas = element("canvas", { width: columns, height: rows, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const factor = high > low ? 255 / (high - low) : 0;
  for (let pixel = 0; pixel < rows * columns; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      image.data[4 * pixel + channel] = (values[pixel * channels + (channels < 3 ? 0 : channel)] - low) * factor;
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Zero and multiples of 1, 2 or 5 times a power of ten that enclose the greatest value: at most six.
function roundTicks(high) {
  const power = 10 ** Math.floor(Math.log10(high / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= (high / 5) * (1 - 1e-9));
  return Array.from({ length: Math.ceil(high / step - 1e-9) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}
