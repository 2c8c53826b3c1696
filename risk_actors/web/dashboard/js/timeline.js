// What happened, newest first; each line opens to the causal chain behind it.

import { h } from "./dom.js";
import { clock, clockOf, instant, zoneName } from "./format.js";
import { card, empty } from "./parts.js";

const SIGNS = {
  breach: ["\u2717", "breach"],
  lock: ["\u25A0", "lock"],
  unlock: ["\u25A1", "unlock"],
  command: ["\u2192", "command"],
  outcome: ["\u21A9", "command"],
  enforcement: ["\u25B6", "enforce"],
  enforcing: ["\u25B6", "enforce"],
  observed: ["\u2713", "unlock"],
  warning: ["!", "warning"],
  unknown: ["?", "unknown"],
  fault: ["\u26A0", "breach"],
  connection: ["\u223F", "quiet"],
  clock: ["\u25F7", "quiet"],
  settings: ["\u2699", "quiet"],
};
const ENFORCEMENT = new Set(["breach", "lock", "unlock", "command", "outcome", "enforcement", "fault"]);

/** A name for an event that stays the same from picture to picture. */
export function keyOf(event) {
  return [event.at, event.kind, event.correlation_id, event.text].join("|");
}

/** The card of events of one account, or of all. */
export function timeline(store, accountId) {
  const { picture, filter } = store;
  const names = new Map(picture.accounts.map((account) => [account.id, account.name]));
  const mine = picture.events.filter(
    (event) => accountId === null || event.account === accountId || event.account === null,
  );
  const shown = mine.filter((event) => filter === "all" || ENFORCEMENT.has(event.kind)).reverse();
  const choice = (value, text) =>
    h(
      "button",
      { type: "button", class: "chip", "aria-pressed": String(filter === value), data: { do: "filter", value } },
      text,
    );
  const seen = new Map();
  return card(
    "What happened",
    {
      kind: "span-all",
      key: "timeline",
      aside: h("div", { class: "chips", role: "group", "aria-label": "Show" }, choice("all", "All"), choice("enforcement", "Enforcement")),
    },
    shown.length
      ? h(
          "ol",
          { class: "events" },
          shown.map((event) => {
            const base = keyOf(event);
            const nth = (seen.get(base) ?? 0) + 1;
            seen.set(base, nth);
            return entry(store, event, `${base}|${nth}`, accountId === null ? names : null);
          }),
        )
      : empty(filter === "all" ? "Nothing yet since the guard started." : "Nothing was enforced."),
  );
}

function entry(store, event, key, names) {
  const [sign, tone] = SIGNS[event.kind] ?? ["\u2022", "quiet"];
  const at = instant(event.at);
  const isOpen = store.open.has(key);
  const nowMs = store.link.now();
  return h(
    "li",
    { class: `event event-${tone}`, data: { key } },
    h(
      "button",
      {
        type: "button",
        class: "event-line",
        "aria-expanded": String(isOpen),
        data: { do: "chain", key, correlation: event.correlation_id },
      },
      h("time", { class: "event-time num", datetime: event.at }, at === null ? event.at : clock(at, store.zone, nowMs)),
      h("span", { class: "event-sign", "aria-hidden": "true" }, sign),
      h("span", { class: "event-kind" }, event.kind),
      h(
        "span",
        { class: "event-text" },
        names?.has(event.account) ? h("b", {}, `${names.get(event.account)}  `) : null,
        event.text,
      ),
    ),
    isOpen ? chain(store, event) : null,
  );
}

function chain(store, event) {
  const known = store.chains.get(event.correlation_id);
  const id = h("p", { class: "chain-id" }, "Correlation ", h("code", {}, event.correlation_id || "none"));
  const say = (text) => h("div", { class: "chain" }, id, h("p", { class: "dim" }, text));
  if (!event.correlation_id) return say("Nothing leads to this entry.");
  if (!known || (known.isLoading && !known.data)) return say("Asking for its causes …");
  if (known.missing) {
    return say(`This guard does not serve its record. On the console: risk-actors audit --correlation ${event.correlation_id}`);
  }
  if (known.fault) return say(`Its causes cannot be read: ${known.fault}`);
  const steps = known.data?.steps ?? [];
  if (!steps.length) return say("The record has nothing under this id yet.");
  let before = null;
  return h(
    "div",
    { class: "chain" },
    id,
    h(
      "ol",
      { class: "steps" },
      steps.map((step, n) => {
        const at = instant(step.at);
        const after = before === null || at === null ? "" : later(at - before);
        before = at ?? before;
        const [sign, tone] = SIGNS[step.kind] ?? ["\u2022", "quiet"];
        return h(
          "li",
          { class: `step event-${tone}`, data: { key: String(n) } },
          h("span", { class: "step-sign", "aria-hidden": "true" }, sign),
          h("span", { class: "step-time num", title: at === null ? "" : zoneName(at, store.zone) }, at === null ? clockOf(step.at, store.zone, 0) : millis(at, store.zone)),
          h("span", { class: "step-after num" }, after),
          h("span", { class: "step-text" }, h("b", {}, step.kind), ` ${step.text}`),
        );
      }),
    ),
  );
}

/** The time with its milliseconds. */
function millis(at, zone) {
  return `${clock(at, zone)}.${String(Math.trunc(at) % 1000).padStart(3, "0")}`;
}

/** How much later a step came than the one before: "+3 ms", "+1.2 s", "+4 min". */
export function later(ms) {
  if (ms < 1) return "+0 ms";
  if (ms < 1000) return `+${Math.round(ms)} ms`;
  if (ms < 60000) return `+${(ms / 1000).toFixed(1)} s`;
  return `+${Math.round(ms / 60000)} min`;
}
