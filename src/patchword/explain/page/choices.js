// Controls for an array's first axes, such as layer and head: what is chosen leaves the map that is drawn.

import { part } from "./arrays.js";
import { element, unique } from "./dom.js";
import { known, say, t } from "./language.js";

const AVERAGED = ["layer", "head"];

/**
 * Choices for all axes but the last `kept`: {node, indices(), of(unpacked)}. An axis that is averaged starts with the
 * mean (null), unless first has an index for it; changed() is called after every choice.
 */
export function choices({ axes, shape }, kept, changed, first = {}) {
  const leading = axes.slice(0, axes.length - kept);
  const controls = leading.map((axis, place) =>
    (axis === "layer" ? slider : menu)(axis, shape[place], first[axis], changed));
  return {
    node: element("div", { class: "controls" }, ...controls.filter(({ count }) => count > 1).map(({ node }) => node)),
    indices: () => controls.map((control) => control.index()),
    of: (array) => part(array, controls.map((control) => control.index())),
    told: () => controls.filter(({ count }) => count > 1).map((control) => control.told()).join(", "),
    choose(axis, index) {
      controls[leading.indexOf(axis)]?.choose(index);
    },
  };
}

/** What an axis of an array is called. */
export function axisName(axis) {
  return known(`axis-${axis}`) ? t(`axis-${axis}`) : axis;
}

// A slider from the mean (0) over 1 to the last; arrow keys go through the layers.
function slider(axis, count, first, changed) {
  const id = unique(axis);
  const input = element("input", { type: "range", id, min: 0, max: count, step: 1, value: at(count, first) });
  const output = element("output", { for: id });
  const told = () => (input.value === "0" ? t("mean") : t("of", { number: input.value, count }));
  const refresh = () => {
    say(output, told);
    say(input, told, "aria-valuetext");
  };
  input.addEventListener("input", () => {
    refresh();
    changed();
  });
  refresh();
  const node = element("label", { class: "control" }, say(element("span"), () => axisName(axis)), input, output);
  return { node, count, index: () => (count === 1 ? 0 : input.value === "0" ? null : Number(input.value) - 1),
    told: () => `${axisName(axis)} ${told()}`, choose: (index) => { input.value = at(count, index); refresh(); changed(); } };
}

function menu(axis, count, first, changed) {
  const averaged = AVERAGED.includes(axis);
  const select = element("select", { change: changed });
  if (averaged) select.append(say(element("option", { value: "" }), () => t("mean")));
  for (let index = 0; index < count; index += 1) select.append(element("option", { value: index }, String(index + 1)));
  const choose = (index) => { select.value = index === undefined || index === null ? (averaged ? "" : "0") : index; };
  choose(first);
  const node = element("label", { class: "control" }, say(element("span"), () => axisName(axis)), select);
  return { node, count, index: () => (count === 1 ? 0 : select.value === "" ? null : Number(select.value)),
    told: () => `${axisName(axis)} ${select.value === "" ? t("mean") : Number(select.value) + 1}`,
    choose: (index) => { choose(index); changed(); } };
}

function at(count, index) {
  return index === undefined || index === null ? 0 : Math.min(count, index + 1);
}
