// Named numbers with bars: a table whose bars only repeat what it says.

import { element } from "./dom.js";
import { say } from "./language.js";

/** A table of rows {label, value, told, strong, note(), press(), pressLabel()}; bars are as long as value / most. */
export function bars({ rows, caption, name, valueName, most = null }) {
  const greatest = most ?? Math.max(1e-12, ...rows.map(({ value }) => Math.abs(value)));
  const lines = rows.map(({ label, value, told, strong, note, press, pressLabel }) => {
    const text = element("bdi", {}, label);
    const button = press && element("button", { type: "button", class: "pick", click: press }, text);
    if (button) say(button, pressLabel, "aria-label");
    const bar = element("span", { class: value < 0 ? "bar negative" : "bar", "aria-hidden": "true",
      style: { "--length": Math.min(1, Math.abs(value) / greatest).toFixed(4) } });
    return element("tr", { class: strong ? "strong" : null }, element("th", { scope: "row" }, button ?? text,
        note ? say(element("span", { class: "bar-note" }), note) : null),
      element("td", { class: "bar-cell" }, bar),
      element("td", { class: "bar-value" }, told));
  });
  const head = element("tr", {}, say(element("th", { scope: "col" }), name), element("td"),
    say(element("th", { scope: "col" }), valueName));
  return element("table", { class: "bars" }, caption ? say(element("caption"), caption) : null,
    element("thead", { class: "unseen" }, head), element("tbody", {}, ...lines));
}
