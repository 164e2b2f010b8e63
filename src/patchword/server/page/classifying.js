// The half of the page for pictures: giving one, some to try, and what each of the models sees in it.
import { element } from "./dom.js";
import { ClassificationView, sharp } from "./classification.js";
import { say } from "./language.js";
import { phrase } from "./phrases.js";
import { base64, receive } from "./pictures.js";
import { copy } from "./share.js";
import { fits } from "./translating.js";

export class Classifying {
  constructor(place) {
    this.place = place;
    [this.drop, this.samples, this.classifications] = ["#drop", "#pictures", "#classifications"].map((id) => place.querySelector(id));
    this.views = [];
    say(this.samples, () => phrase("samples"), "aria-label");
    receive(place.querySelectorAll("input[type=file]"), this.drop, () => !place.hidden, (file) => this.#take(file));
  }

  /** Whether it is for models like this one. */
  static takes = (model) => !model.languages;

  /** Whether two models can be given the same. */
  static alike = (one, other) => this.takes(other);

  /** Shows what these models, one or two, see in the picture; samples are GET /v1/samples' answer. */
  show(models, samples) {
    this.hide();
    this.place.hidden = false;
    this.views = models.map((model) => new ClassificationView(element("article"), model, models.length > 1));
    this.classifications.replaceChildren(...this.views.map((view) => view.place));
    const wanted = samples.images.filter((sample) => fits(sample, models[0]));
    this.samples.replaceChildren(...wanted.map((sample) => this.#sample(sample)));
    this.again();
  }

  hide() {
    this.place.hidden = true;
    for (const view of this.views) view.clear();
    this.views = [];
  }

  /** Classifies the picture, now. */
  again() {
    this.place.dispatchEvent(new CustomEvent("asked", { bubbles: true, detail: Boolean(this.image) }));
    for (const view of this.views) {
      if (this.image) view.classify(this.image, this.url);
      else view.clear();
    }
  }

  /** Copies the classes; whether that was allowed. */
  copy = () => copy(this.views.map((view) => view.told).join("\n\n"));

  #sample({ name, url }) {
    const take = () => this.#show(url.split(",")[1], url);
    const picture = element("img", { src: url, alt: name, load: () => sharp(picture) });
    return element("button", { type: "button", class: "sample", click: take }, picture);
  }

  async #take(file) {
    const image = await base64(file);
    if (this.made) URL.revokeObjectURL(this.made);
    this.made = URL.createObjectURL(file);
    this.#show(image, this.made);
  }

  #show(image, url) {
    this.image = image;
    this.url = url;
    this.again();
  }
}
