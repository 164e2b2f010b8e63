// Elements without markup: whatever a text holds, it stays text.

const SVG = "http://www.w3.org/2000/svg";
let made = 0;

/** An HTML element; attributes that are functions are listeners, null and false leave an attribute out. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** An id that nothing else on the page has. */
export function unique(name) {
  made += 1;
  return `${name}-${made}`;
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name === "style") for (const [key, setting] of Object.entries(value)) node.style.setProperty(key, setting);
    else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// What is drawn when it comes into view, and whatever of it is still to come when the page is printed.
const waiting = new Map();
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) begin(entry.target);
}, { rootMargin: "150px" });
addEventListener("beforeprint", () => {
  for (const node of [...waiting.keys()]) if (node.offsetParent !== null) begin(node);
});

/** Calls draw(node) once the node is about to be seen; what goes wrong there is said in its place. */
export function lazily(node, draw) {
  waiting.set(node, draw);
  observer.observe(node);
  return node;
}

async function begin(node) {
  const draw = waiting.get(node);
  if (!draw) return;
  waiting.delete(node);
  observer.unobserve(node);
  node.setAttribute("aria-busy", "true");
  try {
    await draw(node);
  } catch (error) {
    console.warn(error);
    node.append(element("p", { class: "wrong", role: "alert" }, error.message));
  }
  node.removeAttribute("aria-busy");
}

/** A part that folds; draw(body) is called when it is opened for the first time. */
export function folded(heading, draw, { open = false, kind = "part" } = {}) {
  const body = element("div", { class: "body" });
  const node = element("details", { class: kind, open }, element("summary", {}, heading), body);
  let drawn = false;
  const start = () => {
    if (!node.open || drawn) return;
    drawn = true;
    lazily(body, draw);
  };
  node.addEventListener("toggle", start);
  if (open) start();
  return node;
}
