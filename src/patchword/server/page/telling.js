// What parts of the page tell it: "answered" (a function that gives the text to be read out), and "trouble" (an error).

export function tell(node, name, detail) {
  node.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
}
