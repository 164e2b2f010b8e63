// What the page asks of the server. A refusal is the server's own sentence; no answer at all is Away.

const BUSY = [429, 503];
const TRIES = 4; // how often a busy server is asked
const LONGEST_WAIT = 10; // seconds, whatever a busy server wishes

export class Refused extends Error {
  constructor(sentence, status, wait = 1) {
    super(sentence);
    this.status = status;
    this.wait = wait;
  }
}

export class Away extends Error {}

let key = sessionStorage.getItem("patchword.key") ?? "";

/** The API key that the server's owner gave out; kept until the tab is closed. */
export function useKey(value) {
  key = value;
  sessionStorage.setItem("patchword.key", value);
}

/** The answer to a GET as an object. */
export const got = async (path, signal) => (await asked(path, undefined, signal)).json();

/** The answer to a POST of JSON as an object. */
export const posted = async (path, body, signal) => (await asked(path, body, signal)).json();

/** The answer to a GET as text. */
export const gotText = async (path, signal) => (await asked(path, undefined, signal)).text();

/** The answer to a POST whose server-sent events are told as they come; the data of the last one, "done". */
export async function streamed(path, body, signal, onEvent) {
  const response = await asked(path, body, signal);
  try {
    for await (const { event, data } of events(response.body)) {
      if (event === "done") return data;
      if (event === "error") throw new Refused(data.error, data.status);
      onEvent(event, data);
    }
  } catch (error) {
    throw error instanceof TypeError ? new Away() : error;
  }
  throw new Away();
}

async function asked(path, body, signal) {
  for (let tries = 1; ; tries++) {
    const headers = { ...(key && { Authorization: `Bearer ${key}` }), ...(body && { "Content-Type": "application/json" }) };
    let response;
    try {
      response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
    } catch (error) {
      throw error.name === "AbortError" ? error : new Away();
    }
    if (response.ok) return response;
    const refused = await refusal(response);
    if (!BUSY.includes(refused.status) || tries === TRIES) throw refused;
    await pause(1000 * Math.min(refused.wait, LONGEST_WAIT), signal);
  }
}

async function refusal(response) {
  const wait = Number(response.headers.get("Retry-After")) || 1;
  try {
    return new Refused(String((await response.json()).error), response.status, wait);
  } catch {
    return new Refused(`${response.status} ${response.statusText}`, response.status, wait);
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split(/\r?\n\r?\n/);
    text = parts.pop();
    for (const part of parts) {
      const found = { event: "message", data: [] };
      for (const line of part.split(/\r?\n/)) {
        if (line.startsWith("event:")) found.event = line.slice(6).trim();
        if (line.startsWith("data:")) found.data.push(line.slice(5).trim());
      }
      if (found.data.length) yield { event: found.event, data: JSON.parse(found.data.join("\n")) };
    }
  }
}

/** Waits, unless it is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new DOMException("stopped", "AbortError"));
    if (signal?.aborted) return stop();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); stop(); }, { once: true });
  });
}
