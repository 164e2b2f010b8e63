// Taking an explanation along: as a file of its own, or as text.

/** A document as JSON that may stand inside of a script element. */
export function embedded(explanation) {
  return JSON.stringify(explanation).replace(/[<>&\u2028\u2029]/g, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A whole file's HTML: the empty page (patchword.explain.page.empty_page) with the document in it. */
export function fileOf(explanation, emptyPage) {
  const title = String(explanation.title ?? "").replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
  return emptyPage
    .replace(/(<title>)[^<]*(<\/title>)/, (_, start, end) => start + title + end)
    .replace(/(<script type="application\/json" id="document">)[^<]*(<\/script>)/,
      (_, start, end) => start + embedded(explanation) + end);
}

/** This very file without what has been drawn on it. */
export function thisFile() {
  const copy = document.documentElement.cloneNode(true);
  copy.querySelector("main").replaceChildren();
  copy.querySelector("header.page").replaceChildren();
  return `<!doctype html>\n${copy.outerHTML}\n`;
}

/** Has the browser save a text under a name. */
export function save(name, text, type = "text/html;charset=utf-8") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Copies a text; whether that went well. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A name for a file, from a document's title. */
export function fileName(explanation) {
  const words = String(explanation.title ?? "").normalize("NFC").replace(/[^\p{L}\p{N}]+/gu, "-");
  return `${words.replace(/^-|-$/g, "").slice(0, 60) || "explanation"}.html`;
}

/** What copying an explanation gives: the text and its translation, or the classes and their probabilities. */
export function asText(explanation) {
  const { text, image } = explanation;
  if (text) return `${text.source}\n${text.translation}`;
  return (image?.predictions ?? []).map((one) => `${one.class}\t${one.probability.toFixed(4)}`).join("\n");
}
