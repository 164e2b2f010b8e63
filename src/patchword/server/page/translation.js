// One model's translation: as it is decoded, then as words that show where they looked and can be exchanged.
import { element } from "./dom.js";
import { say, t } from "./language.js";
import { languageName, saying } from "./phrases.js";
import { posted, streamed } from "./server.js";
import { tell } from "./telling.js";
import { hoverable } from "./words.js";
import { Work } from "./work.js";

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
    this.source = this.whole = "";
    this.sentences = [];
    this.open = this.document = undefined;
    for (const part of [this.text, this.again, this.notes, this.words]) part.replaceChildren();
    this.plain.hidden = true;
    this.back.hidden = true;
  }

  /** The whole translation, as it is seen now. */
  get translated() {
    return pieces(this.whole, this.sentences).map(({ text }) => text).join("");
  }

  /** What /v1/explain is asked to have explained what is seen now; of a long text, the sentence that is looked into. */
  get question() {
    const { source, prefix } = this.sentences[this.open ?? 0];
    return { model: this.model.name, text: source, ...(prefix && { prefix }) };
  }

  /** Translates a text; what is decoded appears as it comes. */
  async translate(source) {
    this.clear();
    this.source = source;
    this.again.textContent = source.trim();
    await this.work.on(async (signal) => {
      const found = await this.#decoded({ texts: source }, this.text, signal);
      this.whole = found.text;
      this.notes.replaceChildren(...(found.notes ?? []).map((note) => element("p", {}, note)));
      // What is no sentence by itself has no "sentences": it is one.
      const sentences = found.sentences?.length > 1 ? found.sentences : [{ source, text: found.text }];
      this.sentences = sentences.filter(({ text }) => text).map((sentence) => ({ ...sentence, own: sentence.text }));
      this.#showText();
      tell(this.place, "answered", () => found.text);
      if (this.sentences.length === 1) await this.#look(0, signal);
    });
  }

  /** Translates the sentence that is looked into again, from the step on at which another token is chosen. */
  async #choose(step, { id }) {
    const sentence = this.sentences[this.open];
    const prefix = [...this.document.text.target_ids.slice(0, step), id];
    await this.work.on(async (signal) => {
      const alone = this.sentences.length === 1;
      if (alone) this.words.replaceChildren();
      const found = await this.#decoded(
        { texts: sentence.source, prefix, split: false }, alone ? this.text : this.words, signal,
      );
      Object.assign(sentence, { text: found.text, prefix });
      this.back.hidden = false;
      this.#showText();
      tell(this.place, "answered", () => found.text);
      await this.#look(this.open, signal);
      const word = this.document.text.target_words.findIndex(([first, end]) => first <= step && step < end);
      this.words.querySelectorAll(".target button.word")[word]?.focus();
    });
  }

  async #decoded(body, place, signal) {
    this.work.says("translating");
    if (place === this.text) this.plain.hidden = false;
    const answer = await streamed("/v1/translate", { model: this.model.name, stream: true, ...body }, signal, (event, data) => {
      if (event === "prefix") place.replaceChildren(data.text);
    });
    const found = answer.translations[0];
    if (found.error) throw new Error(found.error);
    return found;
  }

  /** Shows where the words of one sentence looked. */
  async #look(index, signal) {
    this.work.says("looking");
    this.open = index;
    this.document = await posted("/v1/explain", { ...this.question, walk: false }, signal);
    // Of a single sentence the words take the text's place; a long text stays, to choose sentences from.
    this.plain.hidden = this.sentences.length === 1;
    for (const [at, button] of this.text.querySelectorAll("button").entries()) {
      button.setAttribute("aria-pressed", String(at === index));
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
