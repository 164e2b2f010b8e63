// A file of its own: the document that stands in it is shown.

import { element } from "./dom.js";
import { show } from "./explanation.js";
import { languageSwitch, say, t } from "./language.js";
import { asText, copy, fileName, save, thisFile } from "./share.js";

const explanation = JSON.parse(document.getElementById("document").textContent);
const said = element("span", { class: "fine", role: "status" });
const button = (key, press) => say(element("button", { type: "button", click: press }), () => t(key));

document.title = explanation.title || "Patchword";
document.querySelector("header.page").append(
  say(element("a", { class: "skip", href: "#content" }), () => t("skip")),
  element("h1", {}, element("bdi", {}, explanation.title || "Patchword")),
  element("div", { class: "page-tools" }, languageSwitch(), said,
    button("save", () => save(fileName(explanation), thisFile())),
    button("copy", async () => {
      const done = await copy(asText(explanation));
      say(said, () => t(done ? "copied" : "not-copied"));
    })));
show(document.querySelector("main"), explanation);
document.querySelector("main").append(say(element("p", { class: "made-by" }), () => t("made-by")));
