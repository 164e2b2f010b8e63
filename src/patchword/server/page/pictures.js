// Pictures that people give: chosen, photographed, dropped, pasted, or one of the samples.

const LARGE = 3_000_000; // bytes; cameras' pictures are made smaller before they travel
const SIDE = 2048; // pixels of the longer side then; models see far fewer

/** Calls onPicture(file) for every picture that is given by the inputs, or dropped on or pasted into the page. */
export function receive(inputs, place, wanted, onPicture) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files.length) onPicture(input.files[0]);
      input.value = ""; // The same file again is a change, too.
    });
  }
  const carries = (data) => wanted() && [...(data?.items ?? [])].some((item) => item.kind === "file");
  const over = (event, on) => {
    if (!carries(event.dataTransfer)) return;
    event.preventDefault();
    place.classList.toggle("over", on);
  };
  addEventListener("dragover", (event) => over(event, true));
  addEventListener("dragleave", (event) => over(event, false));
  addEventListener("drop", (event) => {
    over(event, false);
    if (wanted() && event.dataTransfer.files.length) onPicture(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = carries(event.clipboardData) && [...event.clipboardData.files][0];
    if (file) onPicture(file);
  });
}

/** A picture's file as base64, reduced if it is large. */
export async function base64(file) {
  const bytes = new Uint8Array(await (await reduced(file)).arrayBuffer());
  let text = "";
  for (let start = 0; start < bytes.length; start += 32768) text += String.fromCharCode(...bytes.subarray(start, start + 32768));
  return btoa(text);
}

async function reduced(file) {
  if (file.size <= LARGE) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.round(scale * picture.width), Math.round(scale * picture.height));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
  } catch {
    return file; // The server says what is wrong with it.
  }
}
