// What a view is about to have: one thing at a time, what it is, what went wrong, and that it can be dropped.
import { element } from "./dom.js";
import { say } from "./language.js";
import { phrase } from "./phrases.js";
import { Away, Refused } from "./server.js";
import { tell } from "./telling.js";

export class Work {
  /** Of a node that is busy meanwhile. */
  constructor(node) {
    this.node = node;
    this.state = element("p", { class: "fine state" });
    this.wrong = element("p", { class: "said", role: "alert", hidden: true });
    say(this.state, () => (this.key ? phrase(this.key) : ""));
  }

  /** What is being done, or nothing. */
  says(key) {
    this.key = key;
    this.state.textContent = key ? phrase(key) : "";
    this.node.setAttribute("aria-busy", String(Boolean(key)));
  }

  /** Drops what is going on, and forgets what went wrong. */
  stop() {
    this.controller?.abort();
    this.controller = undefined;
    this.wrong.hidden = true;
    this.says(undefined);
  }

  /** Drops what is going on and does job(signal) instead. That it was dropped is no trouble. */
  async on(job) {
    this.stop();
    const controller = (this.controller = new AbortController());
    try {
      await job(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) this.#trouble(error);
    }
    if (this.controller !== controller) return;
    this.controller = undefined;
    this.says(undefined);
  }

  #trouble(error) {
    // These are the page's own to deal with.
    if (error instanceof Away || [401, 503].includes(error.status)) return tell(this.node, "trouble", error);
    if (!(error instanceof Refused)) console.warn(error);
    this.wrong.textContent = error.message;
    this.wrong.hidden = false;
  }
}
