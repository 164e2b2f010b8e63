// Looking inside: the whole explanation of what is seen, with the walk; on the page, or as a file.
import { show } from "./explanation.js";
import { language } from "./language.js";
import { posted } from "./server.js";
import { handOut } from "./sharing.js";
import { Work } from "./work.js";

export class Inside {
  /** Fills a place; the button opens and closes it. */
  constructor(place, button) {
    this.place = place;
    this.button = button;
    this.work = new Work(place);
    button.parentElement.after(this.work.state, this.work.wrong);
  }

  close() {
    this.work.stop();
    this.document = undefined;
    this.#opened(false);
    this.place.replaceChildren();
  }

  /** Opens it with what explains the views' answers, or closes it. */
  async toggle(views) {
    if (!this.place.hidden) return this.#opened(false);
    await this.work.on(async (signal) => {
      const fresh = !this.document;
      this.document ??= await this.#explained(views, signal);
      this.#opened(true);
      if (fresh) this.#show();
      this.place.focus({ preventScroll: true });
      this.place.scrollIntoView({ block: "start" });
    });
  }

  /** Hands the explanation out as one file; its name, or nothing if it was not taken or that went wrong. */
  async share(views) {
    let name = null;
    await this.work.on(async (signal) => {
      this.document ??= await this.#explained(views, signal);
      name = await handOut(this.document, signal);
    });
    return name;
  }

  /** What is on the page already folds, and the walk stands open. */
  #show() {
    show(this.place, this.document, language());
    for (const model of this.place.querySelectorAll(".model")) {
      const parts = model.querySelectorAll(":scope > details.part");
      for (const part of parts) part.open = part === parts[parts.length - 1];
    }
  }

  #opened(open) {
    this.place.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
  }

  async #explained(views, signal) {
    this.work.says("walking");
    const asked = views.map((view) => posted("/v1/explain", { ...view.question, walk: true }, signal));
    const [document, against] = await Promise.all(asked);
    return against ? { ...document, against } : document;
  }
}
