// One model's translation: as it is decoded, then as words that show where they looked and can be exchanged.
import { element } from "./dom.js";
import { say, t } from "./language.js";
import { languageName, saying } from "./phrases.js";
import { posted, streamed } from "./server.js";
import { tell } from "./telling.js";
import { hoverable } from "./words.js";
import { Work } from "./work.js";

const SHORT = 200; // characters of a text that is shown again above its translation while that is written

export class TranslationView {
  /** Fills a place with what a model, as GET /v1/models tells of it, makes of texts. */
  constructor(place, model, several) {
    this.model = model;
    this.place = place;
    const title = () => languageName(model.languages[1]) + (several ? ` · ${model.name}` : "");
    this.text = element("div", { class: "translation", lang: model.languages[1].replace("_", "-") });
    this.again = element("p", { class: "words-line", lang: model.languages[0].replace("_", "-") });
    // Until there are words to point at, the same lines without them.
    this.plain = element("div", { class: "words" }, row("source", this.again), row("target", this.text));
    this.notes = element("div", { class: "fine" });
    this.words = element("div", { class: "looking" });
    this.back = element("button", { type: "button", class: "quiet", click: () => this.translate(this.source) });
    this.work = new Work(this.text);
    place.replaceChildren(
      say(element("h3", { class: several ? "caption" : "unseen" }), title), this.plain, this.notes, this.words,
      this.work.state, this.work.wrong, saying(this.back, "back"),
    );
    this.clear();
  }

  /** Empties it, and drops what was asked for and not answered yet. */
  clear() {
    this.work.stop();
    this.#begin("");
  }

  /** The whole translation, as it is seen now. */
  get translated() {
    return pieces(this.whole, this.sentences).map(({ text }) => text).join("");
  }

  /** What /v1/explain is asked to have explained what is seen now; of a long text, the sentence that is looked into. */
  get question() {
    const { source, prefix } = this.sentences[this.open ?? 0] ?? { source: this.source };
    return { model: this.model.name, text: source, ...(prefix && { prefix }) };
  }

  /** Translates a text. What it was before stays until something of the new is there. */
  async translate(source) {
    this.place.classList.add("stale");
    await this.work.on(async (signal) => {
      const found = await this.#decoded({ texts: source }, signal, () => this.#begin(source), () => this.#begin(""));
      this.whole = found.text;
      this.notes.replaceChildren(...(found.notes ?? []).map((note) => element("p", {}, note)));
      // What is one sentence has no "sentences".
      const sentences = found.sentences?.length > 1 ? found.sentences : [{ source, text: found.text }];
      this.sentences = sentences.filter(({ text }) => text).map((sentence) => ({ ...sentence, own: sentence.text }));
      this.#showText();
      tell(this.place, "answered", () => found.text);
      if (this.sentences.length === 1) await this.#look(0, signal);
    });
  }

  #begin(source) {
    this.source = source;
    this.whole = "";
    this.sentences = [];
    this.open = this.document = undefined;
    for (const part of [this.text, this.notes, this.words]) part.replaceChildren();
    this.again.textContent = source.trim();
    this.again.parentElement.hidden = source.length > SHORT;
    this.plain.hidden = !source;
    this.back.hidden = true;
    this.place.classList.remove("stale");
    return this.text;
  }

  /** Translates the sentence that is looked into again, from the step on at which another token is chosen. */
  async #choose(step, { id }) {
    const sentence = this.sentences[this.open];
    const prefix = [...this.document.text.target_ids.slice(0, step), id];
    await this.work.on(async (signal) => {
      const request = { texts: sentence.source, prefix, split: false };
      const found = await this.#decoded(request, signal, () => this.#beginAgain(), () => this.#showWords());
      Object.assign(sentence, { text: found.text, prefix });
      this.back.hidden = false;
      this.#showText();
      tell(this.place, "answered", () => found.text);
      await this.#look(this.open, signal);
      const word = this.document.text.target_words.findIndex(([first, end]) => first <= step && step < end);
      this.words.querySelectorAll(".target button.word")[word]?.focus();
    });
  }

  /** A single sentence is written in its place, one of many where its words were. */
  #beginAgain() {
    this.words.replaceChildren();
    const alone = this.sentences.length === 1;
    if (alone) this.plain.hidden = false;
    return alone ? this.text : this.words;
  }

  /** Asks for a translation; begin() gives the place where it is written as it is decoded, fail() tidies up. */
  async #decoded(body, signal, begin, fail) {
    this.work.says("translating");
    let place = null;
    const told = (event, { text }) => {
      place ??= begin();
      if (event === "prefix") place.replaceChildren(text);
    };
    try {
      const answer = await streamed("/v1/translate", { model: this.model.name, stream: true, ...body }, signal, told);
      const found = answer.translations[0];
      if (found.error) throw new Error(found.error);
      if (!place) begin();
      return found;
    } catch (error) {
      if (!signal.aborted) fail();
      throw error;
    }
  }

  /** Shows where the words of one sentence looked. */
  async #look(index, signal) {
    this.work.says("looking");
    this.open = index;
    this.document = await posted("/v1/explain", { ...this.question, walk: false }, signal);
    this.#showWords();
  }

  #showWords() {
    // Of a single sentence the words take the text's place; a long text stays, to choose sentences from.
    this.plain.hidden = this.sentences.length === 1;
    for (const [at, button] of this.text.querySelectorAll("button").entries()) {
      button.setAttribute("aria-pressed", String(at === this.open));
    }
    const onPick = (step, alternative) => this.#choose(step, alternative);
    this.words.replaceChildren();
    hoverable(this.words, this.document.text, { onPick, languages: this.model.languages });
  }

  #showText() {
    const several = this.sentences.length > 1;
    this.again.parentElement.hidden = several;
    const look = (index) => () => this.work.on((signal) => this.#look(index, signal));
    const shown = ({ text, index }) => index === undefined || !several ? text : element(
      "button", { type: "button", class: "sentence", "aria-pressed": String(index === this.open), click: look(index) }, text,
    );
    this.text.replaceChildren(...pieces(this.whole, this.sentences).map(shown));
    if (several && this.open === undefined) this.words.replaceChildren(saying(element("p", { class: "fine" }), "many"));
  }
}

function row(side, line) {
  const name = say(element("span", { class: "words-name" }), () => t(`words-${side}`));
  return element("div", { class: `words-row ${side}` }, name, line);
}

/** A text as its sentences {text, index}, as they are now, and what was between them {text}. */
function pieces(whole, sentences) {
  const found = [];
  let end = 0;
  for (const [index, { own, text }] of sentences.entries()) {
    const start = Math.max(whole.indexOf(own, end), end);
    found.push({ text: whole.slice(end, start) }, { text, index });
    end = start + own.length;
  }
  return [...found, { text: whole.slice(end) }];
}
