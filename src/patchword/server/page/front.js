// The page at /: which model is asked, what is asked of it, and what can be done with the answer.
import { element } from "./dom.js";
import { Classifying } from "./classifying.js";
import { Inside } from "./inside.js";
import { languageSwitch, onLanguage, say } from "./language.js";
import { languageName, phrase, saying, shortNumber } from "./phrases.js";
import { Away, got, pause, useKey } from "./server.js";
import { Translating } from "./translating.js";

const PATIENCE = 3000; // milliseconds between two looks whether the server is there again

const byId = (id) => document.getElementById(id);
const halves = [[Translating, new Translating(byId("text"))], [Classifying, new Classifying(byId("image"))]];
const inside = new Inside(byId("walk"), byId("walk_button"));
let models = [];
let samples = { texts: [], images: [] };
let half = null;
let waiting = false;

for (const node of document.querySelectorAll("[data-say]")) saying(node, node.dataset.say);
document.querySelector(".top").append(languageSwitch());
for (const [index, id] of ["model_facts", "against_facts"].entries()) say(byId(id), () => facts(chosen()[index]));
onLanguage(() => nameOptions());

async function start() {
  try {
    ({ models } = await got("/v1/models"));
    samples = await got("/v1/samples");
  } catch (error) {
    return trouble(error, start);
  }
  byId("no_model").hidden = models.length > 0;
  byId("choice").hidden = models.length === 0;
  byId("model").replaceChildren(...models.map((model, index) => element("option", { value: index })));
  if (models.length) choose();
}

/** The models that are asked: one, or two. */
function chosen() {
  return [byId("model"), byId("against")].map((select) => models[select.value]).filter(Boolean);
}

/** Another model is asked from now on: what it can be compared with is offered, too. */
function choose() {
  const model = models[byId("model").value];
  const kind = halves.find(([kind]) => kind.takes(model));
  const others = models.map((other, index) => [other, index]).filter(([other]) => other !== model && kind[0].alike(model, other));
  byId("against").replaceChildren(element("option", { value: "" }), ...others.map(([, index]) => element("option", { value: index })));
  byId("against_choice").hidden = others.length === 0;
  if (half !== kind[1]) half?.hide();
  half = kind[1];
  nameOptions();
  show();
}

function show() {
  for (const [index, id] of ["model_facts", "against_facts"].entries()) byId(id).textContent = facts(chosen()[index]);
  document.body.classList.toggle("beside", chosen().length > 1);
  half.show(chosen(), samples);
}

function nameOptions() {
  for (const option of document.querySelectorAll("#choice option")) {
    option.textContent = option.value === "" ? phrase("nothing_beside") : models[option.value].name;
  }
}

/** What a model is, in a line. */
function facts(model) {
  if (!model) return "";
  const { languages, classes, architecture, parameters, precision } = model;
  const what = languages ? languages.map(languageName).join(" → ") : phrase("classes", { number: classes });
  const size = phrase("parameters", { number: shortNumber(parameters) });
  return [what, architecture.replaceAll("_", " "), size, precision].filter(Boolean).join(" · ");
}

/** A server that is away is asked until it is back, and a key that is missing is asked for; then what failed is done. */
async function trouble(error, again) {
  if (error.status === 401) {
    byId("key").hidden = false;
    byId("key_field").focus();
    byId("key").onsubmit = (event) => {
      event.preventDefault();
      useKey(byId("key_field").value);
      byId("key").hidden = true;
      again();
    };
    return;
  }
  const passing = error instanceof Away || error.status === 503;
  const away = byId("away");
  saying(away, error instanceof Away ? "away" : "plain", { sentence: error.message });
  away.hidden = false;
  if (!passing || waiting) return;
  waiting = true;
  for (let there = false; !there; ) {
    await pause(PATIENCE);
    there = await got("/readyz").then(() => true, () => false);
  }
  waiting = false;
  away.hidden = true;
  again();
}

byId("model").addEventListener("change", choose);
byId("against").addEventListener("change", show);
addEventListener("trouble", ({ detail }) => trouble(detail, () => half.again()));
addEventListener("answered", ({ detail }) => { byId("live").textContent = detail(); });
addEventListener("asked", ({ detail }) => {
  byId("actions").hidden = !detail;
  byId("done").textContent = "";
  inside.close();
});
byId("copy").addEventListener("click", async () => {
  saying(byId("done"), (await half.copy()) ? "copied" : "not_copied");
});
byId("walk_button").addEventListener("click", () => inside.toggle(half.views));
byId("share").addEventListener("click", async () => {
  saying(byId("done"), "sharing");
  const name = await inside.share(half.views);
  if (name) saying(byId("done"), "shared", { name });
  else byId("done").textContent = "";
});
start();
