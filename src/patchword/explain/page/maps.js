// Heat maps of attention between pieces: which of the model's maps, which layer, which head.

import { unpacked } from "./arrays.js";
import { choices } from "./choices.js";
import { element, lazily } from "./dom.js";
import { headStrip } from "./heads.js";
import { heatMap } from "./heat.js";
import { say, t } from "./language.js";

/** The attention maps of a text, as many as the model has; each is inflated when it is first chosen. */
export function attentionMaps(container, text) {
  const kinds = ["cross", "encoder", "decoder"].filter((kind) => text.maps?.[kind]);
  if (!kinds.length) {
    container.append(say(element("p", { class: "note" }), () => t("no-maps")));
    return;
  }
  const body = element("div");
  const select = element("select", { change: () => choose(select.value) },
    ...kinds.map((kind) => say(element("option", { value: kind }), () => t(`map-${kind}`))));
  const which = element("label", { class: "control" }, say(element("span"), () => t("map")), select);
  const about = element("p", { class: "about" });
  const drawn = new Map();
  container.append(element("div", { class: "controls" }, kinds.length > 1 ? which : null), about, body);

  function choose(kind) {
    say(about, () => t(`about-${kind}`));
    if (!drawn.has(kind)) drawn.set(kind, lazily(element("div"), (node) => draw(kind, node)));
    body.replaceChildren(drawn.get(kind));
  }

  async function draw(kind, node) {
    const packed = text.maps[kind];
    const [row, column] = { cross: ["target", "source"], encoder: ["source", "source"], decoder: ["target", "target"] }[kind];
    const labels = { source: text.source_pieces, target: text.target_pieces };
    const first = kind === "cross" ? { layer: text.alignment?.reading?.layer } : {};
    const chosen = choices(packed, 2, () => set(), first);
    const array = await unpacked(packed);
    const map = heatMap({ rows: labels[row], columns: labels[column],
      name: () => [t(`map-${kind}`), chosen.told()].filter(Boolean).join(", "),
      rowName: () => t(`axis-${row}`), columnName: () => t(`axis-${column}`) });
    const strip = headStrip(array, chosen);
    const set = () => {
      map.set(chosen.of(array).values);
      strip.refresh();
    };
    node.append(chosen.node, strip.node, map.node);
    set();
  }

  choose(kinds[0]);
}
