// One model's classes for a picture, with their probabilities, and where it looked.
import { element } from "./dom.js";
import { percent } from "./language.js";
import { phrase } from "./phrases.js";
import { pictureMaps, predictionBars } from "./picture.js";
import { posted } from "./server.js";
import { tell } from "./telling.js";
import { Work } from "./work.js";

const SHOWN = 5; // classes
const FEW = 64; // pixels of a side

export class ClassificationView {
  /** Fills a place with what a model, as GET /v1/models tells of it, sees in pictures. */
  constructor(place, model, several) {
    this.model = model;
    this.place = place;
    this.seen = element("div");
    this.seen.addEventListener("load", (event) => sharp(event.target), true);
    this.work = new Work(this.seen);
    const title = several ? [element("h3", { class: "caption" }, model.name)] : [];
    place.replaceChildren(...title, this.seen, this.work.state, this.work.wrong);
    this.clear();
  }

  /** Empties it, and drops what was asked for and not answered yet. */
  clear() {
    this.work.stop();
    this.image = undefined;
    this.predictions = [];
    this.seen.replaceChildren();
  }

  /** The classes as lines of text. */
  get told() {
    return this.predictions.map((found) => `${found.class}\t${percent(found.probability)}`).join("\n");
  }

  /** What /v1/explain is asked to have explained what is seen now. */
  get question() {
    return { model: this.model.name, image: this.image };
  }

  /** Classifies a picture and shows the maps over it; `image` is its file in base64, `url` shows it meanwhile. */
  async classify(image, url) {
    this.clear();
    this.image = image;
    const facts = element("div", { class: "picture-facts" });
    const picture = element("img", { class: "meanwhile", src: url, alt: "" });
    this.seen.replaceChildren(
      element("div", { class: "picture-maps" }, element("div", { class: "picture-side" }, picture), facts),
    );
    await this.work.on(async (signal) => {
      this.work.says("classifying");
      const asked = { model: this.model.name, images: [image], top: SHOWN };
      const [found] = (await posted("/v1/classify", asked, signal)).classifications;
      if (found.error) throw new Error(found.error);
      this.predictions = found.predictions;
      facts.replaceChildren(predictionBars(found.predictions));
      tell(this.place, "answered", () => this.predictions.slice(0, 1).map(spoken).join());
      this.work.says("mapping");
      const { image: explained } = await posted("/v1/explain", { ...this.question, walk: false }, signal);
      this.seen.replaceChildren();
      pictureMaps(this.seen, explained);
    });
  }
}

/** Shows a picture of few pixels as the pixels that it has. */
export function sharp(picture) {
  picture.classList.toggle("few", Math.max(picture.naturalWidth, picture.naturalHeight) <= FEW);
}

function spoken({ class: name, probability }) {
  return phrase("classified", { class: name, percent: percent(probability) });
}
