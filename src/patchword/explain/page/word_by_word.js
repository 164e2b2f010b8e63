// One word generated at a time, with what was likeliest there: by steps, or played.

import { bars } from "./bars.js";
import { element } from "./dom.js";
import { shown } from "./heat.js";
import { percent, say, t } from "./language.js";

const PACE = 1100; // milliseconds that a word is shown when played

/** Items {piece, probability, weighed: [{piece, probability}]}, one a step. */
export function wordByWord(node, items) {
  const written = element("p", { class: "written", "aria-live": "polite" });
  const likeliest = element("div");
  const place = element("output");
  let step = 0;
  let timer = null;
  const button = (key, press) => say(element("button", { type: "button", click: press }), () => t(key));
  const play = button("play", () => (timer ? pause() : start()));
  const buttons = element("div", { class: "controls buttons" }, button("again", () => go(0)),
    button("back", () => go(step - 1)), play, button("next", () => go(step + 1)), place);
  node.append(buttons, say(element("p", { class: "words-name" }), () => t("written")), written, likeliest);
  go(0, false);

  function go(wanted, stop = true) {
    if (stop) pause();
    step = Math.max(0, Math.min(items.length - 1, wanted));
    written.replaceChildren(...items.slice(0, step + 1).map((item, index) =>
      element("bdi", { class: index === step ? "newest" : null }, shown(pieceOf(item)))));
    say(place, () => t("of", { number: step + 1, count: items.length }));
    likeliest.replaceChildren(bars({ rows: rowsOf(items[step]), caption: () => t("likeliest"), name: () => t("piece"),
      valueName: () => t("probability"), most: 1 }));
  }

  function start() {
    if (step >= items.length - 1) go(0, false);
    timer = setInterval(() => {
      if (!node.isConnected || step >= items.length - 1) pause();
      else go(step + 1, false);
    }, PACE);
    say(play, () => t("pause"));
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    say(play, () => t("play"));
  }
}

function pieceOf(item) {
  return String(item.piece ?? item.word ?? item.label ?? "");
}

function rowsOf(item) {
  const weighed = item.weighed ?? item.likeliest ?? [item];
  return weighed.map((other) => ({ label: shown(pieceOf(other)), value: other.probability ?? 0,
    told: percent(other.probability), strong: pieceOf(other) === pieceOf(item),
    note: pieceOf(other) === pieceOf(item) && weighed.length > 1 ? () => t("was-chosen") : null }));
}
