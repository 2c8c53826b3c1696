// The day's P&L between what ends it: the loss limit at the left, the target at the right.

import { h } from "./dom.js";
import { isNumber, usd } from "./format.js";
import { nearest, room } from "./words.js";

const MARGIN = 0.04;

/** Where a value stands on a scale, 0 at its low end and 1 at its high end, never outside. */
export function placeOn(value, low, high) {
  if (!(high > low)) return 0.5;
  return Math.min(Math.max((value - low) / (high - low), 0), 1);
}

/** The ends of the scale: the limits where there are any, else what holds the value. */
export function scaleOf(value, lossAt, targetAt) {
  const size = Math.max(Math.abs(value ?? 0) * 1.25, 100);
  const low = isNumber(lossAt) ? lossAt : -Math.max(size, isNumber(targetAt) ? targetAt * 0.4 : 0);
  const high = isNumber(targetAt) ? targetAt : Math.max(size, isNumber(lossAt) ? -lossAt * 0.6 : 0);
  const pad = (high - low) * MARGIN;
  return { low: Math.min(low, value ?? low) - pad, high: Math.max(high, value ?? high) + pad };
}

/** The gauge: a track with both limits, zero, and the value. */
export function rangeGauge(name, value, loss, target) {
  const lossAt = loss && isNumber(loss.limit) ? loss.limit : null;
  const targetAt = target && isNumber(target.limit) ? target.limit : null;
  const { low, high } = scaleOf(value, lossAt, targetAt);
  const at = (x) => `${(placeOn(x, low, high) * 100).toFixed(2)}%`;
  const known = isNumber(value);
  const from = known ? Math.min(value, 0) : 0;
  const to = known ? Math.max(value, 0) : 0;
  const words = [
    known ? usd(value, { signed: true }) : "unknown",
    lossAt === null ? "no loss limit" : `loss limit ${usd(lossAt)}`,
    targetAt === null ? "no target" : `target ${usd(targetAt, { signed: true })}`,
  ];
  const tick = (x, kind, label) =>
    h(
      "span",
      { class: `range-tick range-${kind}`, vars: { at: at(x) } },
      h("span", { class: "range-label" }, label),
    );
  return h(
    "div",
    { class: "range", role: "img", "aria-label": `${name}: ${words.join(", ")}` },
    h(
      "div",
      { class: "range-track" },
      lossAt === null ? null : h("span", { class: "range-zone range-zone-loss", vars: { to: at(lossAt) } }),
      targetAt === null
        ? null
        : h("span", { class: "range-zone range-zone-target", vars: { from: at(targetAt) } }),
      known && value !== 0
        ? h("span", {
            class: `range-fill ${value < 0 ? "range-fill-loss" : "range-fill-gain"}`,
            vars: { from: at(from), to: at(to) },
          })
        : null,
      known ? h("span", { class: "range-value", vars: { at: at(value) } }) : null,
    ),
    h(
      "div",
      { class: "range-ticks", "aria-hidden": "true" },
      lossAt === null ? null : tick(lossAt, "loss", usd(lossAt, { cents: false })),
      tick(0, "zero", "0"),
      targetAt === null ? null : tick(targetAt, "target", usd(targetAt, { signed: true, cents: false })),
    ),
  );
}

/** What is left to each end, in words: [text of the loss side, text of the target side]. */
export function rangeWords(loss, target) {
  const left = (rule, what) => {
    if (!rule) return null;
    const text = room(rule);
    if (!text) return `${what}: ${rule.verdict === "unknown" ? "unknown" : "nothing to measure"}`;
    return text === "reached" ? `${what} reached` : `${text.replace(" left", "")} to the ${what}`;
  };
  return [left(loss, "loss limit"), left(target, "target")];
}

/** The day's two rules of an account that matter most. */
export function dayRules(rules) {
  return [nearest(rules, "daily_loss_limit"), nearest(rules, "daily_profit_target")];
}
