// The two dialogs: panic, which only tightens, and the keys.

import { h, show } from "./dom.js";
import { clockOf } from "./format.js";
import { isOld, send } from "./link.js";
import { button } from "./parts.js";
import { capital } from "./words.js";

const KEYS = [
  ["o", "Overview"],
  ["1 \u2026 9", "Account by number"],
  ["h", "History"],
  ["s", "System"],
  ["f", "All events, or enforcement only"],
  ["t", "Light or dark"],
  ["m", "Sound on or off"],
  ["Shift + P", "Panic (asks once)"],
  ["?", "These keys"],
  ["Esc", "Close a dialog"],
];

/** Show the keys. */
export function openHelp() {
  const dialog = document.getElementById("help-dialog");
  show(
    dialog,
    h("h2", { id: "help-title" }, "Keys"),
    h("dl", { class: "keys" }, KEYS.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
    h("p", { class: "dim small" }, "Signs: \u2713 ok, ! warning, \u2717 breach, ? unknown, \u25A0 locked, \u25B6 enforcing. Nothing here can loosen a rule or end a lock."),
    h("div", { class: "dialog-buttons" }, button("Close", "close")),
  );
  if (!dialog.open) dialog.showModal();
}

/** Ask once whether to flatten and lock; `account` is the one to begin with, null for all. One that
 * is under way is shown again instead: it is never sent twice at a time. */
export function openPanic(store, account) {
  const dialog = document.getElementById("panic-dialog");
  store.panic = panicFor(store.panic, account);
  drawPanic(store);
  if (!dialog.open) dialog.showModal();
  document.getElementById("panic-confirm")?.focus();
}

/** The panic that the dialog is about: the one under way, else a new one. */
export function panicFor(earlier, account) {
  return earlier?.isSending ? earlier : { account, answer: null, isSending: false };
}

/** Draw the dialog again where it is open: what it says of the guard may have changed. */
export function redrawPanic(store) {
  if (document.getElementById("panic-dialog").open) drawPanic(store);
}

/** Draw the dialog for what is chosen and answered. */
export function drawPanic(store) {
  const dialog = document.getElementById("panic-dialog");
  const { panic, picture, link, zone } = store;
  const accounts = picture?.accounts ?? [];
  const reset = picture?.schedules.find((each) => each.name === "daily_reset");
  const until = reset ? `the daily reset, ${clockOf(reset.next, zone, link.now())}` : "the daily reset";
  const whom = panic.account === null ? (accounts.length === 1 ? accounts[0].name : `all ${accounts.length} accounts`) : nameOf(accounts, panic.account);
  const outcome = panic.answer ? panicOutcome(panic.answer, store) : null;
  const warning = outcome?.tone === "warn" ? "" : panicWarning(store);
  show(
    dialog,
    h("h2", { id: "panic-title" }, "Flatten and lock?"),
    h(
      "p",
      {},
      "Cancels every working order, closes every position at the market and locks ",
      h("b", {}, whom),
      ` until ${until}. It cannot be taken back here.`,
    ),
    accounts.length > 1
      ? h(
          "div",
          { class: "panic-choice", role: "radiogroup", "aria-label": "Which accounts" },
          [[null, "All accounts"], ...accounts.map((each) => [each.id, each.name])].map(([id, name]) =>
            h(
              "button",
              { type: "button", class: "chip", role: "radio", "aria-checked": String(panic.account === id), disabled: panic.isSending, data: { do: "panicAccount", account: id ?? "" } },
              name,
            ),
          ),
        )
      : null,
    warning ? h("p", { class: "warn-line", data: { key: "panic-warning" } }, `! ${warning}`) : null,
    outcome ? h("p", { class: `answer answer-${outcome.tone}`, role: "alert", data: { key: "panic-answer" } }, outcome.text) : null,
    h(
      "div",
      { class: "dialog-buttons" },
      button(panic.answer?.sentence || panic.isSending ? "Close" : "Cancel", "close", { data: { key: "panic-cancel" } }),
      panic.answer?.sentence
        ? null
        : h(
            "button",
            { type: "button", id: "panic-confirm", class: "button button-panic", disabled: panic.isSending, data: { do: "panicConfirm", key: "panic-confirm" } },
            panic.isSending ? "Sending \u2026" : "Flatten and lock",
          ),
    ),
  );
}

const CLOSES_NOTHING = "NOTHING can be closed now: use your platform.";
const OLD_WARNINGS = {
  lost: "The guard does not answer. Close positions on the broker's platform.",
  login: "This page is not logged in: the guard will refuse. Log in, or close positions on the broker's platform.",
  late: "What this page shows is old. It is sent all the same; look at your platform.",
};

/** What stands in the way of a panic, as far as the page knows; empty where nothing does. */
export function panicWarning({ picture, link }) {
  if (isOld(link)) return OLD_WARNINGS[link.kind];
  if (!picture) return "";
  if (!picture.armed) {
    return "Not armed: the guard will refuse, for nothing is sent in shadow. Close positions on the broker's platform.";
  }
  return picture.connection.is_blind ? `The guard cannot reach the broker. This locks here; ${CLOSES_NOTHING}` : "";
}

/** What became of it: {tone, text}. While the broker cannot be reached, taken is not done. */
export function panicOutcome({ fault, sentence }, { picture }) {
  if (fault) return { tone: "bad", text: `\u2717 ${fault}` };
  const told = `${capital(sentence)}${/[.!?]$/.test(sentence) ? "" : "."}`;
  if (picture?.connection.is_blind) {
    const more = /nothing can be closed/i.test(told) ? "" : ` Locked here; ${CLOSES_NOTHING}`;
    return { tone: "warn", text: `! ${told}${more}` };
  }
  const more = /FLAT\b/.test(told) ? "" : " Watch until it is FLAT.";
  return { tone: "good", text: `\u2713 ${told}${more}` };
}

/** Send it; the dialog shows the guard's own words, even when it was closed meanwhile. */
export async function confirmPanic(store) {
  const { panic } = store;
  if (panic.isSending) return;
  panic.isSending = true;
  panic.answer = null;
  drawPanic(store);
  panic.answer = await send("/api/panic", { account: panic.account });
  panic.isSending = false;
  drawPanic(store);
  const dialog = document.getElementById("panic-dialog");
  if (!dialog.open) dialog.showModal();
}

function nameOf(accounts, id) {
  return accounts.find((account) => account.id === id)?.name ?? `account ${id}`;
}
