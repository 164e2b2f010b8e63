// The demo's report: the phrases and the digits that it shows, to look into, one of each at a time.

import { element } from "./dom.js";
import { show } from "./explanation.js";
import { language, languageSwitch, say } from "./language.js";

const documents = JSON.parse(document.getElementById("documents").textContent);
const inBoth = (english, chinese) => () => (language() === "zh" ? chinese : english);

const chosen = say(element("span"), inBoth("Explanations in", "解释所用语言"));
document.querySelector("nav").append(own(element("div", { class: "control" }, chosen, languageSwitch())));
for (const place of document.querySelectorAll(".looked-into")) looked(place, documents[place.dataset.of]);

// What changes its language with the switch, on a page whose other text is in both.
function own(node) {
  return say(node, inBoth("en", "zh-CN"), "lang");
}

function looked(place, found) {
  if (!found.length) return;
  const body = own(element("div"));
  const buttons = [...document.querySelectorAll(`[data-in="${place.id}"]`)];
  const look = (index) => {
    show(body, found[index]);
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
  };
  place.append(...(buttons.length ? [] : [choice(found, look)]), body);
  buttons.forEach((button, index) => {
    button.disabled = false;
    button.addEventListener("click", () => {
      look(index);
      place.tabIndex = -1;
      place.focus({ preventScroll: true });
      place.scrollIntoView({ block: "start" });
    });
  });
  look(0);
}

function choice(found, look) {
  const select = element("select", { change: () => look(Number(select.value)) },
    ...found.map((one, index) => element("option", { value: index }, one.title)));
  return own(element("p", { class: "controls" }, element("label", { class: "control" },
    say(element("span"), inBoth("phrase", "短语")), select)));
}
