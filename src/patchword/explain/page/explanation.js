// A whole explanation: one document, or two models side by side.

import { learned } from "./charts.js";
import { element, folded } from "./dom.js";
import { number, say, setLanguage, t, told } from "./language.js";
import { attentionMaps } from "./maps.js";
import { pictureMaps } from "./picture.js";
import { beamTree } from "./tree.js";
import { walkThrough } from "./walk.js";
import { hoverable } from "./words.js";

/** Shows a document in the container, in place of what was there; wanted is "en", "zh" or left as it is. */
export function show(container, explanation, wanted = null, options = {}) {
  if (wanted) setLanguage(wanted);
  const models = [explanation, ...(explanation.against ? [explanation.against] : [])];
  const columns = models.map((one) => column(one, models.length > 1, options));
  container.replaceChildren(element("div", { class: models.length > 1 ? "explanation against" : "explanation" }, ...columns));
}

function column(one, beside, options) {
  const node = element("section", { class: "model" }, modelHead(one.model ?? {}));
  say(node, () => one.model?.name || one.title || "", "aria-label");
  if (one.notes?.length) {
    node.append(element("ul", { class: "notes" }, ...one.notes.map((note) => say(element("li"), () => told(note)))));
  }
  const part = (key, draw, open = false) => {
    const heading = say(element("h3"), () => t(key));
    node.append(folded(heading, draw, { open }));
  };
  if (one.text) {
    part("section-words", (body) => {
      hoverable(body, one.text, { languages: one.model?.languages ?? [], onPick: options.onPick ?? null });
      body.append(...readingFacts(one.text));
    }, true);
    part("section-maps", (body) => attentionMaps(body, one.text));
    if (one.text.tree?.nodes?.length) part("section-tree", (body) => beamTree(body, one.text));
  }
  if (one.image) {
    part("section-picture", (body) => pictureMaps(body, one.image), true);
    if (one.image.distance || one.image.positions || one.image.filters) {
      part("section-learned", (body) => learned(body, one.image));
    }
  }
  if (one.walk?.length) {
    part("section-walk", (body) => {
      body.append(say(element("p", { class: "about" }), () => t("walk-about")));
      walkThrough(body, one.walk);
    });
  }
  return node;
}

function modelHead(model) {
  const count = model.parameters;
  return element("header", { class: "model-head" }, element("h2", {}, element("bdi", {}, model.name || model.architecture || "")),
    say(element("p", { class: "fine" }), () => [model.architecture?.replaceAll("_", " "),
      count === undefined ? null : t("parameters", { count: grouped(count) }),
      model.languages?.join(" → ")].filter(Boolean).join(" · ")));
}

function grouped(count) {
  return count.toLocaleString("en").replaceAll(",", "\u202f");
}

function readingFacts(text) {
  const { alignment } = text;
  const facts = [];
  if (text.score !== undefined && text.score !== null) {
    facts.push(say(element("p", { class: "fine" }), () => `${t("score")}: ${number(text.score)}`));
  }
  if (alignment?.sentence) facts.push(say(element("p", { class: "fine" }), () => told(alignment.sentence)));
  if (alignment?.error !== null && alignment?.error !== undefined) {
    facts.push(say(element("p", { class: "fine" }), () => t("alignment-error", { error: number(alignment.error) })));
  }
  return facts;
}
