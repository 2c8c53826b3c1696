// The overview: every account on a card that is read in a second.

import { h } from "./dom.js";
import { clockOf, count, plain, usd } from "./format.js";
import { downSince, sumOf } from "./header.js";
import { isOld } from "./link.js";
import { badge, bar, empty, money, stat } from "./parts.js";
import { positionWords } from "./holdings.js";
import { dayRules, rangeGauge, rangeWords } from "./range.js";
import { timeline } from "./timeline.js";
import { accountState, figure, guardState, lockEnd, mainLock, past, rulesOf, sumsNote, VERDICT_SIGNS } from "./words.js";

const RULES_ON_A_CARD = 3;

/** The screen. */
export function overview(store) {
  const { picture } = store;
  return [
    h(
      "section",
      { class: "hero", "aria-label": "State of the guard", data: { key: "hero" } },
      stateTile(store),
      totals(store),
    ),
    picture.accounts.length
      ? h(
          "div",
          { class: "accounts", data: { key: "accounts" } },
          picture.accounts.map((account) => accountCard(store, account)),
        )
      : empty("No account yet: waiting for the broker."),
    timeline(store, null),
  ];
}

function stateTile(store) {
  const { picture, link } = store;
  const is = guardState(picture);
  const state = isOld(link) ? { ...past(is), text: "How the guard fares now is not known." } : is;
  return h(
    "div",
    { class: `state-tile tone-${state.tone}` },
    h(
      "div",
      { class: "state-word" },
      h("span", { class: "state-sign", "aria-hidden": "true" }, state.sign),
      h("span", {}, state.word),
    ),
    h("p", { class: "state-text" }, `${state.text}${["armed", "shadow", "blind"].includes(state.key) || isOld(link) ? "" : downSince(store)}`),
  );
}

function totals({ picture, zone, link }) {
  const note = sumsNote(picture, zone, link.now());
  const open = picture.accounts.reduce((sum, account) => sum + account.positions.length, 0);
  const trades = sumOf(picture, (account) => account.day.trades);
  return h(
    "div",
    { class: note ? "totals is-old" : "totals" },
    note ? h("p", { class: "seen-note" }, `? ${note}`) : null,
    stat("Day P&L", money(sumOf(picture, (account) => account.day.equity), { size: "amount-l" }), "closed and open, after fees"),
    stat("Closed", money(sumOf(picture, (account) => account.day.realized)), "after fees"),
    stat("Open", money(sumOf(picture, (account) => account.day.unrealized)), count(open, "position")),
    stat("Week", money(sumOf(picture, (account) => account.week.realized)), "closed trades"),
    stat("Trades", plain(trades), `fees ${usd(sumOf(picture, (account) => account.day.fees))}`),
  );
}

function accountCard(store, account) {
  const { picture, zone, link } = store;
  const is = accountState(account, picture.armed);
  const state = isOld(link) ? past(is) : is;
  const rules = rulesOf(picture, account);
  const [loss, target] = dayRules(rules);
  const lock = mainLock(account);
  const shown = rules.filter((rule) => typeof rule.used === "number" || rule.verdict !== "ok");
  return h(
    "article",
    {
      class: `card account-card edge-${state.tone} ${account.seen_at ? "is-old" : ""}`,
      "aria-label": `${account.name}: ${state.word}`,
      data: { key: `account-${account.id}` },
    },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, h("a", { class: "card-link", href: `#/account/${account.id}` }, account.name)),
      badge(state),
    ),
    account.seen_at ? h("p", { class: "seen-note" }, `? As last seen at ${clockOf(account.seen_at, zone, link.now())}`) : null,
    lock ? lockLine(store, lock) : null,
    h(
      "div",
      { class: "card-money" },
      stat("Day P&L", money(account.day.equity, { size: "amount-xl" })),
      stat("Open", money(account.day.unrealized)),
      stat("Week", money(account.week.realized)),
      stat("Balance", money(account.balance, { signed: false, tone: false })),
    ),
    rangeGauge(`Day P&L of ${account.name}`, account.day.equity, loss, target),
    h(
      "p",
      { class: "range-words" },
      rangeWords(loss, target).map((text) => (text ? h("span", {}, text) : null)),
    ),
    h(
      "ul",
      { class: "mini-rules", "aria-label": "Rules nearest to breaking" },
      shown.slice(0, RULES_ON_A_CARD).map((rule) => miniRule(rule)),
    ),
    h(
      "p",
      { class: "card-foot" },
      account.positions.length
        ? account.positions.map((held) => positionWords(held)).join(" · ")
        : "Flat",
      h("span", { class: "dim" }, ` · ${count(account.orders.length, "working order")}`),
    ),
  );
}

function lockLine({ picture, link, zone }, lock) {
  const end = lockEnd(lock, zone, link.now());
  return h(
    "div",
    { class: "lock-line" },
    h(
      "div",
      { class: "lock-count" },
      end.left && !isOld(link) ? h("span", { class: "countdown countdown-m num" }, end.left) : null,
      h("span", {}, `${picture.armed ? "" : "would be locked "}${end.until}`),
    ),
    h("p", { class: "lock-reason" }, h("b", {}, lock.rule), ` ${lock.reason}`),
  );
}

function miniRule(rule) {
  return h(
    "li",
    { class: "mini-rule", data: { key: rule.id } },
    h("span", { class: `sign sign-${rule.verdict}`, title: rule.verdict }, VERDICT_SIGNS[rule.verdict] ?? "?"),
    h("span", { class: "mini-name" }, rule.id, rule.mode === "enforce" ? null : h("i", {}, ` ${rule.mode}`)),
    bar(rule.used, rule.verdict, rule.id),
    h("span", { class: "mini-figure num" }, `${figure(rule, rule.value)} / ${figure(rule, rule.limit)}`),
  );
}

