// A picture at its own aspect ratio, a map over what of it the model saw, and what the model says.

import { range, unpacked } from "./arrays.js";
import { bars } from "./bars.js";
import { choices } from "./choices.js";
import { paint, scale } from "./colours.js";
import { element, folded, lazily, unique } from "./dom.js";
import { headStrip } from "./heads.js";
import { number, percent, say, t } from "./language.js";

const TINY = 128; // pixels; a smaller picture is shown with its pixels as they are

/** The maps of an image's document over its picture. */
export function pictureMaps(container, image) {
  const figure = element("div", { class: "picture-side" });
  container.append(element("div", { class: "picture-maps" }, figure, element("div", { class: "picture-facts" },
    predictionBars(image.predictions ?? []), seenPart(image))));
  lazily(figure, () => overlaid(figure, image));
}

/** The classes with their probabilities. */
export function predictionBars(predictions) {
  const rows = predictions.map(({ class: name, probability }, index) =>
    ({ label: String(name), value: probability, told: percent(probability), strong: index === 0 }));
  return bars({ rows, caption: () => t("predictions"), name: () => t("class"), valueName: () => t("probability"), most: 1 });
}

function seenPart(image) {
  const [height, width] = image.seen_size ?? [0, 0];
  return folded(say(element("span"), () => t("seen")), (body) => {
    body.append(element("img", { class: "seen", src: image.seen, width, height, alt: t("seen") }),
      say(element("p", { class: "about" }), () => t("seen-size", { width, height })));
    say(body.querySelector("img"), () => t("seen"), "alt");
  }, { kind: "aside" });
}

function overlaid(figure, image) {
  const status = element("p", { class: "status", id: unique("status"), "aria-live": "polite" });
  const canvas = element("canvas", { "aria-hidden": "true" });
  const cursor = element("span", { class: "cursor", hidden: true });
  const [left, top, right, bottom] = image.box ?? [0, 0, 1, 1];
  const percentOf = (value) => `${100 * value}%`;
  const field = element("div", { class: "overlay", tabindex: 0, role: "application", "aria-describedby": status.id,
    style: { left: percentOf(left), top: percentOf(top), width: percentOf(right - left), height: percentOf(bottom - top) },
    keydown: moved, focus: () => look(...at), blur: rest, pointermove: pointed, pointerdown: pointed,
    pointerleave: () => { if (document.activeElement !== field) rest(); } }, canvas, cursor);
  const picture = element("img", { src: image.picture, width: image.width, height: image.height });
  say(picture, () => t("picture-of", { width: image.width, height: image.height }), "alt");
  const frame = element("div", { class: image.width < TINY ? "picture tiny" : "picture", style: { "aspect-ratio": `${image.width} / ${image.height}` } },
    picture, field);
  const bar = scale("dark");
  const about = element("p", { class: "about" });
  const measured = element("div", { class: "measured" });
  const axes = element("div", { class: "axes" });
  const heads = element("div");
  const maps = image.maps ?? [];
  const select = element("select", { change: () => choose(Number(select.value)) },
    ...maps.map((map, index) => say(element("option", { value: index }), () => mapName(map))));
  const start = Math.max(0, ["relevance", "class_activation", "rollout", "attention"].map((id) =>
    maps.findIndex((map) => map.id === id)).find((index) => index >= 0) ?? 0);
  select.value = String(start);
  const opacity = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0.6, input: () => {
    canvas.style.opacity = opacity.value;
  } });
  const smooth = element("input", { type: "checkbox", change: () => {
    canvas.classList.toggle("smooth", smooth.checked);
  } });
  const control = (key, input) => element("label", { class: "control" }, say(element("span"), () => t(key)), input);
  canvas.style.opacity = opacity.value;
  let at = [0, 0];
  let grid = { rows: 0, columns: 0, values: [] };
  let wanted = null;
  figure.append(frame);
  if (!maps.length) {
    field.remove();
    figure.append(say(element("p", { class: "note" }), () => t("no-maps")));
    return null;
  }
  figure.append(status, bar.node, element("div", { class: "controls" }, control("the-map", select), axes,
    control("opacity", opacity), control("smooth", smooth)), heads, about, measured);
  rest();
  return choose(start);

  async function choose(index) {
    wanted = index;
    const map = maps[index];
    const array = await unpacked(map.array);
    if (wanted !== index) return;
    const depth = map.array.shape[map.array.axes.indexOf("layer")];
    const chosen = choices(map.array, 2, show, depth ? { layer: depth - 1 } : {});
    const strip = headStrip(array, chosen, "dark");
    axes.replaceChildren(chosen.node);
    heads.replaceChildren(strip.node);
    say(about, () => t(`about-${map.id}`));
    measured.replaceChildren(...(map.measured ? measuredTable(map.measured) : []));
    show();

    function show() {
      const { shape: [rows, columns], values } = chosen.of(array);
      grid = { rows, columns, values };
      const [low, high] = range(values);
      strip.refresh();
      paint(canvas, values, rows, columns, low, high, "dark");
      bar.set(low, high);
      const peak = values.indexOf(Math.max(...values));
      const name = () => [mapName(map), chosen.told()].filter(Boolean).join(", ");
      say(field, () => t("picture-label", { name: name(), rows, columns, row: Math.floor(peak / columns) + 1,
        column: (peak % columns) + 1 }), "aria-label");
      if (!cursor.hidden) look(...at);
    }
  }

  function look(row, column) {
    const { rows, columns, values } = grid;
    if (!rows) return;
    at = [Math.min(row, rows - 1), Math.min(column, columns - 1)];
    cursor.hidden = false;
    Object.entries({ top: at[0] / rows, left: at[1] / columns, width: 1 / columns, height: 1 / rows })
      .forEach(([name, value]) => cursor.style.setProperty(name, percentOf(value)));
    const value = number(values[at[0] * columns + at[1]]);
    const place = { row: at[0] + 1, column: at[1] + 1, value };
    status.classList.remove("resting");
    say(status, () => t("picture-cell", place));
  }

  function rest() {
    cursor.hidden = true;
    status.classList.add("resting");
    say(status, () => t("picture-rest"));
  }

  function pointed(event) {
    const place = field.getBoundingClientRect();
    const row = Math.floor(((event.clientY - place.top) / place.height) * grid.rows);
    const column = Math.floor(((event.clientX - place.left) / place.width) * grid.columns);
    if (row >= 0 && row < grid.rows && column >= 0 && column < grid.columns) look(row, column);
  }

  function moved(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    look(Math.max(0, at[0] + step[0]), Math.max(0, at[1] + step[1]));
  }
}

function mapName(map) {
  const name = t(`map-${map.id}`);
  return map.class === null || map.class === undefined ? name : t("for-class", { map: name, name: map.class });
}

// The measured figure beside the map: what faithfulness it had on a set of images, not on this one.
function measuredTable(measured) {
  const rows = ["deletion", "insertion"].filter((way) => measured[way]).map((way) => {
    const { mean, low, high } = measured[way];
    return element("tr", {}, say(element("th", { scope: "row" }), () => t(way)),
      say(element("td"), () => t("interval", { mean: number(mean), low: number(low), high: number(high) })));
  });
  return [element("table", { class: "numbers" }, say(element("caption"), () => t("measured", { images: measured.images })),
    element("tbody", {}, ...rows))];
}
