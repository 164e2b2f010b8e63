// All heads of a layer at once, small: each on its own scale, since what counts here is where they look.

import { part, range } from "./arrays.js";
import { paint, toned } from "./colours.js";
import { element } from "./dom.js";
import { say, t } from "./language.js";

/**
 * A strip of the heads of the chosen layer, for the pointer: {node, refresh()}. The menu of heads is what keyboard and
 * screen reader have, so that the strip adds no stops to them. With no heads to choose from it is empty.
 */
export function headStrip(array, chosen, tone = null) {
  const axis = array.axes.indexOf("head");
  const node = element("div", { class: "head-strip", "aria-hidden": "true" });
  if (axis < 0 || array.shape[axis] < 2) return { node, refresh: () => {} };
  const [rows, columns] = array.shape.slice(-2);
  const heads = Array.from({ length: array.shape[axis] }, (_, head) => {
    const canvas = element("canvas");
    const button = element("button", { type: "button", tabindex: -1, click: () => chosen.choose("head", head) }, canvas,
      element("span", {}, String(head + 1)));
    say(button, () => `${t("axis-head")} ${head + 1}`, "title");
    return { canvas, button };
  });
  const mean = element("button", { type: "button", class: "all", tabindex: -1, click: () => chosen.choose("head", null) },
    say(element("span"), () => t("mean")));
  node.append(mean, ...heads.map(({ button }) => button));

  function refresh() {
    const indices = chosen.indices();
    mean.classList.toggle("chosen", indices[axis] === null);
    heads.forEach(({ canvas, button }, head) => {
      const { values } = part(array, indices.map((index, place) => (place === axis ? head : index)));
      paint(canvas, values, rows, columns, ...range(values), ...(tone ? [tone] : []));
      button.classList.toggle("chosen", indices[axis] === head);
    });
  }

  toned(node, refresh);
  return { node, refresh };
}
