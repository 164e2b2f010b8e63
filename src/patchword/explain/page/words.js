// Source words above, translation below: each word shows where it looked, and what else was weighed in its place.

import { part, unpacked } from "./arrays.js";
import { element, unique } from "./dom.js";
import { shown } from "./heat.js";
import { number, percent, say, t } from "./language.js";
import { bars } from "./bars.js";

const NAMED = 3; // words that the status line names
const WORTH = 0.04; // a weight below is neither named nor shown

/**
 * The words of a text's document. onPick(step, {id, piece}) makes the alternatives buttons; languages are the codes of
 * source and translation.
 */
export function hoverable(container, text, { onPick = null, languages = [] } = {}) {
  const status = element("p", { class: "status", "aria-live": "polite" });
  const panel = element("div", { class: "weighed", hidden: true });
  const source = line("source", text.source_words, text.source_pieces, languages[0]);
  const target = line("target", text.target_words, text.target_pieces, languages[1]);
  const node = element("div", { class: "words" }, source.node, target.node, status, panel);
  status.classList.add("resting");
  say(status, () => t("words-hint"));
  container.append(node);
  let matrix = null; // target words x source words
  let opened = null;

  function line(side, words, pieces, code) {
    const id = unique(side);
    const heading = say(element("span", { class: "words-name", id }), () => t(`words-${side}`));
    const spaced = !pieces.some((piece) => piece.startsWith("▁"));
    const group = element("p", { class: "words-line", role: "group", "aria-labelledby": id, dir: "auto",
      lang: code ?? null });
    const buttons = words.map(([first, , word], index) => {
      const end = word === "</s>";
      const button = element("button", { type: "button", class: end ? "word end" : "word",
        tabindex: index ? -1 : 0, "aria-expanded": side === "target" ? "false" : null,
        pointerenter: () => look(side, index), pointerleave: clear, focus: () => look(side, index), blur: clear,
        click: () => (side === "target" ? open(index) : look(side, index)),
        keydown: (event) => moved(event, side, index) });
      if (end) {
        say(button, () => t("end-word"));
        say(button, () => t("end-title"), "title");
      } else button.append(element("bdi", {}, shown(word)));
      if (index && (spaced || end || pieces[first]?.startsWith("▁"))) group.append(" ");
      group.append(button);
      return button;
    });
    return { node: element("div", { class: `words-row ${side}` }, heading, group), buttons, words };
  }

  async function weights() {
    matrix ??= text.maps?.cross ? wordWeights(text, await unpacked(text.maps.cross)) : [];
    return matrix;
  }

  async function look(side, index) {
    looking = [side, index];
    const found = await weights();
    if (!looking || looking[0] !== side || looking[1] !== index) return;
    const [own, other] = side === "target" ? [target, source] : [source, target];
    const values = side === "target" ? found[index] ?? [] : found.map((row) => row[index]);
    paintWords(own.buttons, [], index);
    paintWords(other.buttons, values, null);
    for (const [to, from] of text.alignment?.links?.map(([a, b]) => (side === "target" ? [a, b] : [b, a])) ?? []) {
      if (from === index) other.buttons[to]?.classList.add("linked");
    }
    status.classList.remove("resting");
    const name = (at, words) => (words[at][2] === "</s>" ? t("end-title") : words[at][2]);
    const order = values.map((value, at) => [value, at]).sort((a, b) => b[0] - a[0])
      .filter(([value], place) => value >= WORTH && place < NAMED);
    say(status, () => t(order.length ? (side === "target" ? "looked-at" : "looked-by") : "looked-nothing", {
      word: name(index, own.words),
      list: order.map(([value, at]) => `“${name(at, other.words)}” ${number(value)}`).join(", "),
    }));
  }
  let looking = null;

  function clear() {
    looking = null;
    for (const { buttons } of [source, target]) paintWords(buttons, [], null);
  }

  function moved(event, side, index) {
    const { buttons } = side === "source" ? source : target;
    const backwards = getComputedStyle(event.target.parentElement).direction === "rtl" ? -1 : 1;
    const step = { ArrowLeft: -backwards, ArrowRight: backwards }[event.key];
    if (event.key === "Escape" && opened !== null) return close();
    let next = null;
    if (step) next = Math.max(0, Math.min(buttons.length - 1, index + step));
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = buttons.length - 1;
    else if (event.key === "ArrowDown" && side === "source") return goTo(event, target.buttons, index);
    else if (event.key === "ArrowUp" && side === "target") return goTo(event, source.buttons, index);
    if (next !== null) goTo(event, buttons, next);
  }

  function goTo(event, buttons, index) {
    event.preventDefault();
    const button = buttons[Math.min(index, buttons.length - 1)];
    if (!button) return;
    for (const other of buttons) other.tabIndex = other === button ? 0 : -1;
    button.focus();
  }

  function open(index) {
    if (opened === index) return close();
    opened = index;
    target.buttons.forEach((button, at) => button.setAttribute("aria-expanded", String(at === index)));
    const [first, end, word] = text.target_words[index];
    const name = word === "</s>" ? t("end-title") : word;
    const heading = say(element("h4"), () => t("weighed-title", { word: word === "</s>" ? t("end-title") : name }));
    const shut = say(element("button", { type: "button", class: "quiet", click: close }), () => t("close"));
    panel.replaceChildren(element("div", { class: "weighed-head" }, heading, shut));
    for (let step = first; step < end; step += 1) panel.append(weighedAt(step, end - first > 1));
    panel.hidden = false;
  }

  function close() {
    const button = target.buttons[opened];
    opened = null;
    target.buttons.forEach((other) => other.setAttribute("aria-expanded", "false"));
    const within = panel.contains(document.activeElement);
    panel.hidden = true;
    panel.replaceChildren();
    if (within) button?.focus();
  }

  function weighedAt(step, several) {
    const chosen = text.target_ids?.[step];
    const found = [...(text.weighed?.[step] ?? [])];
    if (!found.some(({ id }) => id === chosen) && text.chosen?.[step] !== undefined) {
      found.push({ piece: text.target_pieces[step], id: chosen, probability: text.chosen[step] });
    }
    const rows = found.map(({ piece, id, probability }) => ({ label: shown(piece), value: probability,
      told: percent(probability), strong: id === chosen,
      note: id === chosen ? () => t("was-chosen") : null,
      press: onPick && id !== chosen ? () => onPick(step, { id, piece }) : null,
      pressLabel: () => t("choose", { piece: shown(piece) }) }));
    const caption = several ? () => `${t("weighed-step", { step: step + 1 })}: ${shown(text.target_pieces[step])}` : null;
    return bars({ rows, caption, name: () => t("piece"), valueName: () => t("probability"), most: 1 });
  }

  return { node, close };
}

/** How much each target word took from each source word: rows of numbers, read as the document's alignment is. */
export function wordWeights(text, cross) {
  const { layer = null, shifted = false } = text.alignment?.reading ?? {};
  const { values, shape: [rows, columns] } = part(cross, [layer, null]);
  return text.target_words.map(([first, end]) => text.source_words.map(([from, to]) => {
    let sum = 0;
    for (let step = first; step < end; step += 1) {
      const row = Math.min(rows - 1, step + (shifted ? 1 : 0));
      for (let piece = from; piece < to; piece += 1) sum += values[row * columns + piece];
    }
    return sum / Math.max(1, end - first);
  }));
}

function paintWords(buttons, weights, current) {
  buttons.forEach((button, index) => {
    const weight = weights[index] >= WORTH ? weights[index] : 0;
    button.style.setProperty("--weight", weight.toFixed(3));
    button.classList.toggle("current", index === current);
    button.classList.remove("linked");
  });
}
