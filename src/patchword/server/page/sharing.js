// An explanation as a file: to the device's own sharing where it takes files, else to the downloads.
import { gotText } from "./server.js";
import { fileName, fileOf, save } from "./share.js";

/** Hands out one file that shows a document anywhere; its name. */
export async function handOut(document, signal) {
  const html = fileOf(document, await gotText("/page/empty.html", signal));
  const name = fileName(document);
  const file = new File([html], name, { type: "text/html" });
  if (matchMedia("(pointer: coarse)").matches && navigator.canShare?.({ files: [file] })) {
    try {
      await navigator.share({ files: [file] });
      return name;
    } catch (error) {
      if (error.name === "AbortError") return null; // The person thought better of it.
    }
  }
  save(name, html);
  return name;
}
