// One sequential colour map, "tide": its lightness only ever grows (or only ever falls), so that it reads in grey,
// and it goes between blue and yellow, which nearly everybody tells apart.

import { element } from "./dom.js";
import { number, say, t } from "./language.js";

export const NAME = "tide";

// From nothing to much: on a light page paper to ink, on a dark page and over pictures night to sand.
const POINTS = {
  light: ["#f6f3e7", "#dcdab4", "#a6c1a5", "#5c95a2", "#2a5c8d", "#0c2050"],
  dark: ["#181d28", "#1b3a66", "#2d6690", "#6298a0", "#b2c59f", "#fdf5c6"],
};
const tables = new Map();
const scheme = matchMedia("(prefers-color-scheme: dark)");
const redraws = new WeakMap();

/** "light" or "dark", as the page is now. */
export function currentTone() {
  return scheme.matches ? "dark" : "light";
}

/** 256 colours, three bytes each. */
export function table(tone = currentTone()) {
  if (!tables.has(tone)) {
    const points = POINTS[tone].map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
    const bytes = new Uint8Array(768);
    for (let index = 0; index < 256; index += 1) {
      const place = (index / 255) * (points.length - 1);
      const first = Math.min(Math.floor(place), points.length - 2);
      for (let channel = 0; channel < 3; channel += 1) {
        const [from, to] = [points[first][channel], points[first + 1][channel]];
        bytes[3 * index + channel] = Math.round(from + (to - from) * (place - first));
      }
    }
    tables.set(tone, bytes);
  }
  return tables.get(tone);
}

/** Paints numbers (rows x columns) on a canvas, a pixel a number; its style says how large a pixel is. */
export function paint(canvas, values, rows, columns, low, high, tone = currentTone()) {
  canvas.width = columns;
  canvas.height = rows;
  if (!rows || !columns) return;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const colours = table(tone);
  const scale = high > low ? 255 / (high - low) : 0;
  for (let index = 0; index < rows * columns; index += 1) {
    const step = Math.max(0, Math.min(255, Math.round((values[index] - low) * scale)));
    image.data.set(colours.subarray(3 * step, 3 * step + 3), 4 * index);
    image.data[4 * index + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** Calls draw now and whenever the page turns dark or light while the node is on it. */
export function toned(node, draw) {
  node.setAttribute("data-toned", "");
  redraws.set(node, draw);
  draw();
}

scheme.addEventListener("change", () => {
  for (const node of document.querySelectorAll("[data-toned]")) redraws.get(node)?.();
});

/** The scale of a picture: {node, set(low, high)}. With tone null it follows the page. */
export function scale(tone = null) {
  const bar = element("span", { class: "scale-bar", "aria-hidden": "true" });
  const ticks = element("span", { class: "scale-ticks" });
  const name = element("span", { class: "scale-name" });
  const node = element("div", { class: "scale" }, bar, ticks, name);
  say(name, () => t("colours", { name: NAME }));
  toned(bar, () => {
    const colours = table(tone ?? currentTone());
    const stops = [0, 51, 102, 153, 204, 255].map((at) => `rgb(${colours.subarray(3 * at, 3 * at + 3).join(" ")})`);
    bar.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  });
  const set = (low, high) => {
    const crosses = low < 0 && high > 0;
    const zero = crosses ? -low / (high - low) : 0.5;
    const marks = [[0, low], [1, high]];
    if (zero > 0.18 && zero < 0.82) marks.splice(1, 0, [zero, crosses ? 0 : (low + high) / 2]);
    const tick = ([at, value]) => element("span", { style: { left: `${100 * at}%` } }, number(value));
    ticks.replaceChildren(...marks.map(tick));
  };
  return { node, set };
}
