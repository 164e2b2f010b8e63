// The walk: the papers' steps with this model's own numbers, folded by group; each picture is drawn when it is seen.

import { axisName } from "./choices.js";
import { element, folded, lazily } from "./dom.js";
import { known, number, say, t, told } from "./language.js";
import { stepPicture } from "./steps.js";

/** The steps of a document's walk. */
export function walkThrough(container, steps) {
  const groups = new Map();
  for (const step of steps) groups.set(step.group, [...(groups.get(step.group) ?? []), step]);
  for (const [group, members] of groups) {
    const heading = element("span", { class: "group-heading" }, say(element("span"), () => told(members[0].heading) || groupName(group)),
      say(element("span", { class: "count" }), () =>
        (members.length === 1 ? t("one-step") : t("steps", { count: members.length }))));
    container.append(folded(heading, (body) => body.append(...members.map(walkStep)), { kind: "group" }));
  }
}

// "encoder.0" is the encoder's first layer; a group without a name of its own keeps the model's.
function groupName(group) {
  const [, name, digits] = /^(.*?)(?:[._ ](\d+))?$/.exec(String(group));
  const key = `group-${name.toLowerCase()}`;
  if (!known(key)) return digits === undefined ? name : `${name} ${Number(digits) + 1}`;
  return t(key, { number: digits === undefined ? "" : Number(digits) + 1 });
}

// d_model, W_i^Q and ℝ^(H×W): what follows _ and ^ is set below and above the line.
function typeset(formula) {
  const marks = /([_^])(\((?:[^()]|\([^()]*\))*\)|\{[^}]*\}|<?[\p{L}\p{N}]+)/gu;
  const parts = [];
  let end = 0;
  for (const { 0: whole, 1: mark, 2: text, index } of formula.matchAll(marks)) {
    parts.push(formula.slice(end, index), element(mark === "_" ? "sub" : "sup", {}, text.replace(/^[({](.*)[)}]$/u, "$1")));
    end = index + whole.length;
  }
  return [...parts, formula.slice(end)];
}

function walkStep(step) {
  const facts = element("dl", { class: "facts" });
  const fact = (key, ...content) => facts.append(
    element("div", {}, say(element("dt"), () => t(key)), element("dd", {}, ...content)));
  if (step.shape?.length) {
    const axes = step.axes ?? [];
    fact("shape", step.shape.join(" × "),
      axes.length ? say(element("span", { class: "axes-names" }), () => ` (${axes.map(axisName).join(" × ")})`) : null);
  }
  if (step.paper) fact("paper", step.paper);
  const parts = [say(element("h4"), () => told(step.title)), say(element("p", { class: "step-text" }), () => told(step.text))];
  if (step.formula) parts.push(element("p", { class: "formula" }, ...typeset(step.formula)));
  const picture = lazily(element("div", { class: "step-picture" }), (node) => stepPicture(node, step));
  const foot = [];
  if (step.statistics) {
    const { mean, deviation, least, most } = step.statistics;
    const values = { mean: number(mean), deviation: number(deviation), least: number(least), most: number(most) };
    foot.push(say(element("p", { class: "fine" }), () => t("statistics", values)));
  }
  if (step.shown) foot.push(say(element("p", { class: "fine" }), () => t("shown", { shown: told(step.shown) })));
  return element("article", { class: "step", "data-step": step.id }, ...parts, picture, facts, ...foot);
}
