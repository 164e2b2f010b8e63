// The beam tree: a column a step, best scores at the top; what was kept, dropped and finished, and the best path.

import { element, folded, shape, unique } from "./dom.js";
import { keepInSight, scrolling, shown } from "./heat.js";
import { number, percent, say, t } from "./language.js";

const STEP = 104; // pixels from column to column
const ROW = 34;
const LEFT = 16;
const TOP = 30;
const LONGEST = 9; // characters of a piece that fit a node

/** The search's tree of a text's document. */
export function beamTree(container, text) {
  const nodes = text.tree?.nodes ?? [];
  if (!nodes.length) {
    container.append(say(element("p", { class: "note" }), () => t("tree-none")));
    return;
  }
  const places = placed(nodes);
  const best = bestPath(nodes);
  const onBest = new Set(best);
  const steps = Math.max(...places.map(({ column }) => column)) + 1;
  const height = TOP + ROW * Math.max(...places.map(({ row }) => row + 1)) + 8;
  const width = LEFT + STEP * steps;
  const status = element("p", { class: "status", id: unique("status"), "aria-live": "polite" });
  status.classList.add("resting");
  say(status, () => t("tree-rest"));
  const drawing = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const field = element("div", { class: "tree-field", tabindex: 0, role: "application", "aria-describedby": status.id,
    keydown: moved, focus: () => look(at), blur: () => marks[at].classList.remove("current") }, drawing);
  say(field, () => t("tree-label", { steps }), "aria-label");
  const box = element("div", { class: "tree-box" }, field);
  let at = best.at(-1) ?? 0;

  for (let column = 0; column < steps; column += 1) {
    drawing.append(shape("text", { class: "tree-step", x: x(column), y: 14 }, String(column + 1)));
  }
  nodes.forEach((node, index) => {
    if (node.parent >= 0) {
      const [from, to] = [places[node.parent], places[index]];
      const [a, b] = [x(from.column) + 78, x(to.column)];
      const bend = (a + b) / 2;
      drawing.append(shape("path", { class: `edge ${node.state} ${onBest.has(index) ? "best" : ""}`,
        d: `M${a} ${y(from.row)} C${bend} ${y(from.row)} ${bend} ${y(to.row)} ${b} ${y(to.row)}` }));
    }
  });
  const marks = nodes.map((node, index) => {
    const { column, row } = places[index];
    const label = shown(node.piece);
    const short = [...label].length > LONGEST ? `${[...label].slice(0, LONGEST - 1).join("")}…` : label;
    const mark = shape("g", { class: `node ${node.state} ${onBest.has(index) ? "best" : ""}`,
      transform: `translate(${x(column)} ${y(row)})`, pointerenter: () => look(index), pointerdown: () => look(index) },
      shape("rect", { x: 0, y: -12, width: 78, height: 24, rx: node.state === "finished" ? 12 : 3 }),
      shape("text", { class: "piece", x: 7, y: 4 }, short),
      shape("text", { class: "chance", x: 72, y: 4 }, percent(node.probability).replace(" %", "")));
    drawing.append(mark);
    return mark;
  });

  function look(index) {
    marks[at].classList.remove("current");
    at = index;
    marks[at].classList.add("current");
    status.classList.remove("resting");
    const node = nodes[at];
    say(status, () => t("tree-node", { step: places[at].column + 1, piece: shown(node.piece), score: number(node.score),
      probability: percent(node.probability), state: t(`state-${onBest.has(at) ? "best" : node.state}`) }));
  }

  function moved(event) {
    const { column, row } = places[at];
    const inStep = places.map((place, index) => [place, index]).filter(([place]) => place.column === column);
    const next = {
      ArrowLeft: () => (nodes[at].parent >= 0 ? nodes[at].parent : at),
      ArrowRight: () => childOf(nodes, onBest, at),
      ArrowUp: () => inStep.find(([place]) => place.row === row - 1)?.[1] ?? at,
      ArrowDown: () => inStep.find(([place]) => place.row === row + 1)?.[1] ?? at,
      Home: () => best[0] ?? 0,
      End: () => best.at(-1) ?? at,
    }[event.key];
    if (!next) return;
    event.preventDefault();
    look(next());
    keepInSight(box, x(places[at].column), 78, "Left", "Width");
    keepInSight(box, y(places[at].row) - 12, 24, "Top", "Height");
  }

  const legend = element("ul", { class: "legend" }, ...["best", "finished", "kept", "dropped"].map((state) =>
    element("li", {}, element("span", { class: `swatch ${state}`, "aria-hidden": "true" }),
      say(element("span"), () => t(`state-${state}`)))));
  const table = folded(say(element("span"), () => t("tree-best")), (body) => body.append(pathTable(nodes, best)),
    { kind: "aside" });
  container.append(element("figure", { class: "tree" }, box, status, legend, table));
  requestAnimationFrame(() => { box.scrollLeft = 0; });
}

function x(column) {
  return LEFT + STEP * column;
}

function y(row) {
  return TOP + ROW * row + ROW / 2;
}

// Each node's column is its step, its row its rank there by score.
function placed(nodes) {
  const steps = nodes.map((node) => (node.parent >= 0 ? null : 0));
  nodes.forEach((node, index) => { steps[index] ??= steps[node.parent] + 1; });
  const columns = new Map();
  steps.forEach((step, index) => columns.set(step, [...(columns.get(step) ?? []), index]));
  const places = [];
  for (const [column, indices] of columns) {
    indices.sort((a, b) => nodes[b].score - nodes[a].score);
    indices.forEach((index, row) => { places[index] = { column, row }; });
  }
  return places;
}

function bestPath(nodes) {
  let last = -1;
  nodes.forEach((node, index) => { if (node.state === "best") last = index; });
  const path = [];
  for (let index = last; index >= 0; index = nodes[index].parent) path.unshift(index);
  return path;
}

function childOf(nodes, onBest, at) {
  const children = nodes.map((node, index) => [node, index]).filter(([node]) => node.parent === at);
  children.sort((a, b) => Number(onBest.has(b[1])) - Number(onBest.has(a[1])) || b[0].score - a[0].score);
  return children[0]?.[1] ?? at;
}

function pathTable(nodes, path) {
  const head = ["step", "piece", "probability", "score"].map((key) =>
    say(element("th", { scope: "col" }), () => t(key)));
  const lines = path.map((index, step) => element("tr", {}, element("td", {}, String(step + 1)),
    element("td", {}, element("bdi", {}, shown(nodes[index].piece))),
    element("td", {}, percent(nodes[index].probability)), element("td", {}, number(nodes[index].score))));
  return scrolling(element("table", { class: "numbers" }, element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...lines)), () => t("tree-best"));
}
