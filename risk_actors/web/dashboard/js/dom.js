// Nodes from calls, and one tree made like another without touching what is already so: focus,
// scroll positions and selections survive a new picture. Styles are set by properties only, which
// the content security policy allows; a style attribute it would not.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: h("p", {class: "a", vars: {used: 0.5}}, "text", node, [nodes], null). */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "vars") {
      for (const [key, each] of Object.entries(value)) element.style.setProperty(`--${key}`, each);
    } else if (name === "data") {
      for (const [key, each] of Object.entries(value)) element.dataset[key] = each;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child instanceof Node) element.append(child);
    else if (child !== null && child !== undefined && child !== false) element.append(String(child));
  }
}

/** Make the children of `parent` like these nodes. */
export function show(parent, ...nodes) {
  const wanted = document.createDocumentFragment();
  append(wanted, nodes);
  patchChildren(parent, wanted);
}

function patch(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (name !== "style" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  // A kept element looks after its own inside and size.
  if (old.dataset.keep !== undefined && old.dataset.keep === fresh.dataset.keep) return;
  if (old.style.cssText !== fresh.style.cssText) old.style.cssText = fresh.style.cssText;
  patchChildren(old, fresh);
  if (old.nodeName === "SELECT" && document.activeElement !== old) {
    const chosen = fresh.querySelector("option[selected]");
    if (chosen && old.value !== chosen.value) old.value = chosen.value;
  }
}

function patchChildren(old, fresh) {
  const wantedKeys = new Set([...fresh.childNodes].map(keyOf));
  const byKey = new Map();
  const unkeyed = [];
  for (const child of [...old.childNodes]) {
    const key = keyOf(child);
    if (key === null) unkeyed.push(child);
    else if (wantedKeys.has(key)) byKey.set(key, child);
    else child.remove(); // First, so that what stays is not moved: that would cost its focus.
  }
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    let match = null;
    if (key !== null) {
      match = byKey.get(key) ?? null;
      byKey.delete(key);
    } else {
      const skipped = unkeyed.findIndex((child) => isAlike(child, wanted));
      for (const gone of unkeyed.splice(0, Math.max(skipped, 0))) {
        if (gone === at) at = at.nextSibling;
        gone.remove();
      }
      if (skipped >= 0) match = unkeyed.shift();
    }
    if (match && isAlike(match, wanted)) {
      if (match === at) at = at.nextSibling;
      else old.insertBefore(match, at);
      patch(match, wanted);
    } else {
      old.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? (node.dataset.key ?? node.dataset.keep ?? null) : null;
}

function isAlike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}
