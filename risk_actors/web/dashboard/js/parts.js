// Small pieces that several screens are made of.

import { h, svg } from "./dom.js";
import { isNumber, usd, UNKNOWN, share } from "./format.js";
import { amountTone } from "./words.js";

/** A word of state with its sign: "✓ ARMED". */
export function badge(state, extra = "") {
  return h(
    "span",
    { class: `badge tone-${state.tone} ${extra}` },
    h("span", { class: "badge-sign", "aria-hidden": "true" }, state.sign),
    state.word,
  );
}

/** An amount in dollars, its cents smaller, coloured and signed. */
export function money(amount, { signed = true, size = "", tone = true } = {}) {
  const color = tone ? `amount-${amountTone(amount)}` : "";
  if (!isNumber(amount)) return h("span", { class: `amount amount-unknown ${size}` }, UNKNOWN);
  const text = usd(amount, { signed });
  const dot = text.lastIndexOf(".");
  return h(
    "span",
    { class: `amount ${color} ${size}` },
    text.slice(0, dot),
    h("span", { class: "cents" }, text.slice(dot)),
  );
}

/** A card with a heading; `aside` stands at the heading's right. */
export function card(title, { aside = null, kind = "", key = null, id = null } = {}, ...body) {
  const heading = `${id ?? title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-heading`;
  return h(
    "section",
    { class: `card ${kind}`, "aria-labelledby": heading, data: key ? { key } : {} },
    h("div", { class: "card-head" }, h("h2", { id: heading }, title), aside),
    ...body,
  );
}

/** A figure with its name above and a line below. */
export function stat(name, value, sub = null) {
  return h(
    "div",
    { class: "stat" },
    h("span", { class: "stat-name" }, name),
    h("span", { class: "stat-value" }, value),
    sub ? h("span", { class: "stat-sub" }, sub) : null,
  );
}

/** A sentence where there is nothing to show. */
export function empty(text) {
  return h("p", { class: "empty" }, text);
}

/** A bar of the share that is used; hatched where it is unknown. */
export function bar(used, verdict, label) {
  const known = isNumber(used);
  return h(
    "div",
    {
      class: `bar bar-${verdict} ${known ? "" : "bar-none"}`,
      role: "meter",
      "aria-label": label,
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      "aria-valuenow": known ? String(Math.round(Math.min(Math.max(used, 0), 1) * 100)) : "0",
      "aria-valuetext": known ? `${share(used)} used` : "unknown",
      vars: { used: known ? Math.min(Math.max(used, 0), 1) : 0 },
    },
    h("span", { class: "bar-fill" }),
  );
}

const ARC_RADIUS = 42;
const ARC_SWEEP = 0.75;

/** A dial of the share of a limit that is used, with what is left in its middle. */
export function dial({ name, used, verdict, left, sub, sign, how }) {
  const round = 2 * Math.PI * ARC_RADIUS;
  const track = round * ARC_SWEEP;
  const known = isNumber(used);
  const part = known ? Math.min(Math.max(used, 0), 1) * track : 0;
  const ring = (kind, length) =>
    svg("circle", {
      class: kind,
      cx: 50,
      cy: 50,
      r: ARC_RADIUS,
      fill: "none",
      "stroke-dasharray": `${length.toFixed(2)} ${(round + 1).toFixed(2)}`,
      transform: "rotate(135 50 50)",
    });
  return h(
    "div",
    {
      class: `dial dial-${verdict}`,
      role: "img",
      "aria-label": `${name}: ${left}; ${sub}; ${verdict}${known ? `, ${share(used)} ${how}` : ""}`,
    },
    h(
      "div",
      { class: "dial-face" },
      svg(
        "svg",
        { viewBox: "0 0 100 88", "aria-hidden": "true" },
        ring(known ? "dial-track" : "dial-track dial-track-none", track),
        part > 0.5 ? ring("dial-used", part) : null,
      ),
      h(
        "div",
        { class: "dial-middle" },
        h("span", { class: "dial-left" }, left),
        h("span", { class: "dial-share" }, known ? `${share(used)} ${how}` : ""),
      ),
    ),
    h("span", { class: "dial-name" }, h("span", { class: `sign sign-${verdict}` }, sign), name),
    h("span", { class: "dial-sub" }, sub),
  );
}

/** A button that does what `action` names in the table of actions. */
export function button(label, action, { kind = "", title = null, data = {}, ...rest } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`, title, data: { do: action, ...data }, ...rest },
    label,
  );
}
