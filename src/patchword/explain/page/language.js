// The page's language: what is said again when it changes, numbers, and the switch.

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";

const STRINGS = { en: ENGLISH, zh: CHINESE };
const KEY = "patchword-language";
const sayings = new WeakMap();
const listeners = new Set();
let current = kept() ?? (navigator.language?.toLowerCase().startsWith("zh") ? "zh" : "en");

function kept() {
  try {
    const value = localStorage.getItem(KEY);
    return value in STRINGS ? value : null;
  } catch {
    return null; // Browsers that keep nothing for files.
  }
}

/** "en" or "zh". */
export function language() {
  return current;
}

/** A text of the page; {names} in it are replaced by the values. */
export function t(key, values = {}) {
  const text = STRINGS[current][key] ?? STRINGS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Whether the page has such a text. */
export function known(key) {
  return key in STRINGS.en;
}

/** The text of a document's {"en": ..., "zh": ...}. */
export function told(texts) {
  return typeof texts === "string" ? texts : texts?.[current] ?? texts?.en ?? "";
}

/** Fills a node, or an attribute of it, with what text() gives, now and whenever the language changes. */
export function say(node, text, attribute = null) {
  if (!sayings.has(node)) sayings.set(node, new Map());
  sayings.get(node).set(attribute, text);
  node.setAttribute("data-said", "");
  utter(node, attribute, text);
  return node;
}

function utter(node, attribute, text) {
  if (attribute === null) node.textContent = text();
  else node.setAttribute(attribute, text());
}

/** Changes the language of everything on the page, and of the next visit. */
export function setLanguage(wanted) {
  if (!(wanted in STRINGS)) return;
  current = wanted;
  try {
    localStorage.setItem(KEY, wanted);
  } catch {
    // Not kept then.
  }
  apply();
}

/** listener(language) is called after every change; what is returned ends that. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-said]")) {
    for (const [attribute, text] of sayings.get(node) ?? []) utter(node, attribute, text);
  }
  for (const listener of listeners) listener(current);
}
apply();

/** The switch: a button for each language, each named in its own. */
export function languageSwitch() {
  const node = document.createElement("div");
  node.className = "languages";
  node.setAttribute("role", "group");
  say(node, () => t("language"), "aria-label");
  for (const [code, name] of [["en", "English"], ["zh", "中文"]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.lang = code === "zh" ? "zh-CN" : "en";
    say(button, () => String(current === code), "aria-pressed");
    button.addEventListener("click", () => setLanguage(code));
    node.append(button);
  }
  return node;
}

/** A number with three digits that count. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.0001 || size >= 100000)) return minus(value.toExponential(1));
  if (size < 0.001) return minus(String(Number(value.toPrecision(2))));
  if (Number.isInteger(value)) return minus(String(value));
  return minus(value.toFixed(size < 1 ? 3 : size < 10 ? 2 : 1));
}

/** A probability in percent. */
export function percent(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const hundredths = 100 * value;
  if (hundredths > 0 && hundredths < 0.1) return "< 0.1 %";
  return `${hundredths.toFixed(hundredths < 10 || (hundredths > 99 && hundredths < 100) ? 1 : 0)} %`;
}

function minus(text) {
  return text.replaceAll("-", "−");
}
