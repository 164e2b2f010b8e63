// The half of the page for texts: what is written, sentences to try, and what each of the models makes of it.
import { element } from "./dom.js";
import { say } from "./language.js";
import { languageName, phrase } from "./phrases.js";
import { copy } from "./share.js";
import { TranslationView } from "./translation.js";

const PAUSE = 400; // milliseconds after the last key until what was typed is translated

export class Translating {
  constructor(place) {
    this.place = place;
    [this.source, this.samples, this.translations] = ["#source", "#sentences", "#translations"].map((id) => place.querySelector(id));
    this.views = [];
    say(place.querySelector("#source_label"), () => phrase("source", { language: this.#name() }));
    say(this.samples, () => phrase("samples"), "aria-label");
    this.source.addEventListener("input", (event) => { if (!event.isComposing) this.#soon(); });
    this.source.addEventListener("compositionend", () => this.#soon());
    this.source.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.again();
    });
  }

  /** Whether it is for models like this one. */
  static takes = (model) => Boolean(model.languages);

  /** Whether two models can be given the same. */
  static alike = (one, other) => this.takes(other) && one.languages[0] === other.languages[0];

  /** Shows what these models, one or two, make of what is written; samples are GET /v1/samples' answer. */
  show(models, samples) {
    this.hide();
    this.models = models;
    this.place.hidden = false;
    const [{ languages: [language] }] = models;
    this.source.lang = language.replace("_", "-");
    this.place.querySelector("#source_label").textContent = phrase("source", { language: this.#name() });
    this.views = models.map((model) => {
      const place = element("article");
      return new TranslationView(place, model, models.length > 1);
    });
    this.translations.replaceChildren(...this.views.map((view) => view.place));
    const wanted = samples.texts.filter((sample) => fits(sample, models[0]));
    const button = ({ text }) => element("button", { type: "button", click: () => this.#take(text) }, text);
    this.samples.replaceChildren(...wanted.map(button));
    this.again();
  }

  hide() {
    this.place.hidden = true;
    clearTimeout(this.timer);
    for (const view of this.views) view.clear();
    this.views = [];
  }

  /** Translates what is written, now. */
  again() {
    clearTimeout(this.timer);
    this.#fit();
    const text = this.source.value;
    this.place.dispatchEvent(new CustomEvent("asked", { bubbles: true, detail: Boolean(text.trim()) }));
    for (const view of this.views) {
      if (text.trim()) view.translate(text);
      else view.clear();
    }
  }

  /** Copies the translation, or both; whether that was allowed. */
  copy = () => copy(this.views.map((view) => view.translated).join("\n\n"));

  #soon() {
    this.#fit();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), PAUSE);
  }

  #take(text) {
    this.source.value = text;
    this.again();
  }

  /** As high as what is written, for browsers that do not do that themselves. */
  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this.source.style.height = "auto";
    this.source.style.height = `${this.source.scrollHeight}px`;
  }

  #name() {
    return this.models ? languageName(this.models[0].languages[0]) : "";
  }
}

/** Whether a sample is for a model. */
export const fits = (sample, model) => sample.model === model.name;
