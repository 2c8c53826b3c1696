// The screen of one account.

import { h } from "./dom.js";
import { clockOf, count, isNumber, plain, usd } from "./format.js";
import { headroom, orders, positions } from "./holdings.js";
import { isOld } from "./link.js";
import { bar, button, card, dial, empty, money, stat } from "./parts.js";
import { dayRules, rangeGauge, rangeWords } from "./range.js";
import { timeline } from "./timeline.js";
import {
  accountState,
  capital,
  figure,
  lockEnd,
  lockScope,
  mainLock,
  nearest,
  past,
  remark,
  room,
  rulesOf,
  VERDICT_SIGNS,
} from "./words.js";

const DIALS = ["daily_loss_limit", "weekly_loss_limit", "trailing_drawdown", "profit_giveback", "daily_profit_target"];
const DIAL_NAMES = {
  daily_loss_limit: "Day's loss",
  weekly_loss_limit: "Week's loss",
  trailing_drawdown: "Drawdown",
  profit_giveback: "Given back",
  daily_profit_target: "Day's target",
};

/** The screen. */
export function accountScreen(store, account) {
  const { picture, zone, link } = store;
  const now = link.now();
  const rules = rulesOf(picture, account);
  return [
    hero(store, account),
    h(
      "div",
      { class: `grid ${account.seen_at ? "is-old" : ""}`, data: { key: `grid-${account.id}` } },
      dayCard(account, rules),
      dials(account, rules),
      headroom(account, zone, now),
      curveCard(store, account),
      positions(account, link.asOf(), zone),
      orders(account),
      ruleList(rules, zone, now),
      timeline(store, account.id),
    ),
  ];
}

function hero(store, account) {
  const { picture, zone, link } = store;
  const is = accountState(account, picture.armed);
  const isPast = isOld(link);
  const state = isPast ? past(is) : is;
  const now = link.now();
  const lock = mainLock(account);
  const end = lock ? lockEnd(lock, zone, now) : null;
  return h(
    "section",
    { class: `hero-account tone-${state.tone}`, "aria-label": `${account.name}: ${state.word}`, data: { key: `hero-${account.id}` } },
    h(
      "div",
      { class: "hero-words" },
      h("h1", { class: "hero-name" }, account.name),
      h(
        "div",
        { class: "state-word" },
        h("span", { class: "state-sign", "aria-hidden": "true" }, state.sign),
        h("span", {}, state.word),
      ),
      h("p", { class: "state-text" }, isPast ? "How it is now is not known." : heroText(account, picture, zone, now)),
    ),
    lock
      ? h(
          "div",
          { class: "hero-lock" },
          end.left && !isPast ? h("span", { class: "countdown num", role: "timer", "aria-live": "off" }, end.left) : null,
          h("span", { class: "hero-until" }, capital(end.until)),
        )
      : null,
    account.locks.length ? h("ul", { class: "locks" }, account.locks.map((each) => lockItem(each, picture, zone, now))) : null,
    account.enforcement ? enforcement(account.enforcement, zone, now) : null,
  );
}

function heroText(account, picture, zone, now) {
  if (account.seen_at) return `All of this is as last seen at ${clockOf(account.seen_at, zone, now)}.`;
  if (account.locks.length) return picture.armed ? "New positions are closed at once." : "Not armed: nothing is sent, no lock holds.";
  if (account.can_trade === false) return "The broker bars this account from trading.";
  if (account.can_trade === null) return "Not read from the broker yet.";
  return picture.armed ? "May trade within its rules." : "Watched only: nothing is enforced.";
}

function lockItem(lock, picture, zone, now) {
  const end = lockEnd(lock, zone, now);
  return h(
    "li",
    { class: "lock", data: { key: String(lock.id) } },
    h(
      "span",
      { class: "lock-what" },
      `${capital(lockScope(lock))} ${picture.armed ? "locked" : "would be locked"} by `,
      h("b", {}, lock.rule),
      ` since ${clockOf(lock.since, zone, now)}, ${end.until}`,
    ),
    h("span", { class: "lock-why" }, lock.reason),
    lock.unlock
      ? h("span", { class: "lock-unlock" }, `An unlock was asked for; it takes effect at ${clockOf(lock.unlock.due, zone, now)} (${lock.unlock.reason})`)
      : null,
    lock.correlation_id
      ? button("Why?", "why", { kind: "button-small", data: { correlation: lock.correlation_id }, "aria-label": "Show the causes of this lock" })
      : null,
  );
}

function enforcement(under, zone, now) {
  const next = under.next_try ? ` Next try ${clockOf(under.next_try, zone, now)}.` : "";
  return h(
    "div",
    { class: `enforcement enforcement-${under.phase}` },
    h("b", {}, `\u25B6 ENFORCING ${under.cause} `),
    h("span", {}, `${under.phase} since ${clockOf(under.since, zone, now)}: ${under.detail}.${next}`),
  );
}

function dayCard(account, rules) {
  const { day } = account;
  const [loss, target] = dayRules(rules);
  const week = nearest(rules, "weekly_loss_limit");
  const check = account.balance_check;
  return card(
    "Today",
    { kind: "span-2 card-today", aside: h("span", { class: "dim" }, `balance ${usd(account.balance)}`) },
    h(
      "div",
      { class: "card-money" },
      stat("Day P&L", money(day.equity, { size: "amount-xl" })),
      stat("Closed", money(day.realized)),
      stat("Open", money(day.unrealized)),
      stat("Fees", money(day.fees, { signed: false, tone: false })),
      stat("Trades", plain(day.trades)),
      stat("Entries", plain(day.entries)),
    ),
    rangeGauge("Day P&L", day.equity, loss, target),
    h("p", { class: "range-words" }, rangeWords(loss, target).map((text) => (text ? h("span", {}, text) : null))),
    closedOnly(loss, day) ? h("p", { class: "dim small" }, `${loss.id} counts closed trades only.`) : null,
    h(
      "div",
      { class: "week" },
      h("div", { class: "week-head" }, h("span", { class: "stat-name" }, "Week, closed"), money(account.week.realized)),
      week ? rangeGauge("Week P&L", isNumber(week.value) ? week.value : account.week.realized, week, null) : h("p", { class: "dim small" }, "No limit on the week."),
      week ? h("p", { class: "range-words" }, h("span", {}, rangeWords(week, null)[0].replace("loss limit", "week's limit"))) : null,
    ),
    check && check.unexplained !== 0
      ? h("p", { class: "warn-line" }, `! Balance ${usd(check.told)}, by the day's fills ${usd(check.expected)}: ${usd(check.unexplained, { signed: true })} is unexplained`)
      : null,
  );
}

/** Whether the loss rule looks at closed trades only, told by its own value. */
function closedOnly(rule, day) {
  if (!rule || !isNumber(rule.value) || !isNumber(day.equity) || !isNumber(day.realized)) return false;
  const same = (a, b) => Math.abs(a - b) < 0.005;
  return !same(rule.value, day.equity) && same(rule.value, day.realized);
}

function dials(account, rules) {
  const shown = DIALS.map((type) => nearest(rules, type)).filter(Boolean);
  if (!shown.length) return card("Distance to the limits", {}, empty("No rule on loss or profit."));
  return card(
    "Distance to the limits",
    { key: "dials" },
    h(
      "div",
      { class: "dials" },
      shown.map((rule) =>
        dial({
          name: DIAL_NAMES[rule.type],
          used: rule.used,
          verdict: rule.verdict,
          sign: VERDICT_SIGNS[rule.verdict] ?? "?",
          left: dialLeft(rule),
          sub: dialSub(rule),
          how: rule.type === "daily_profit_target" ? "there" : "used",
        }),
      ),
    ),
  );
}

function dialLeft(rule) {
  if (rule.verdict === "unknown") return "unknown";
  if (rule.verdict === "breach") return "reached";
  if (!isNumber(rule.distance)) return "not yet";
  return usd(rule.distance, { cents: Math.abs(rule.distance) < 1000 });
}

function dialSub(rule) {
  if (!isNumber(rule.limit)) return rule.verdict === "unknown" ? "cannot be checked" : "nothing to measure";
  return `${figure(rule, rule.value)} of\n${figure(rule, rule.limit)}`;
}

function curveCard(store, account) {
  const curve = store.curves.get(account.id);
  const from = curve?.isOwn ? "since this page was opened" : "from the day's first move on";
  return card(
    "The day's curve",
    { kind: "span-2", key: `curve-card-${account.id}`, aside: h("span", { class: "dim small" }, curve ? from : "") },
    h("div", { class: "curve", data: { keep: `curve-${account.id}`, account: account.id } }),
    h(
      "p",
      { class: "curve-key small dim" },
      ["\u25B2 entry", "\u25BC exit", "! warning", "\u2717 breach", "\u25A0 lock", "\u25A1 unlock"].map((text) => h("span", {}, text)),
    ),
    h("p", { class: "curve-said small", data: { keep: `said-${account.id}` } }),
  );
}

function ruleList(rules, zone, now) {
  if (!rules.length) return card("Rules", { kind: "span-all" }, empty("No rule guards this account."));
  return card(
    "Rules",
    { kind: "span-all", key: "rules", aside: h("span", { class: "dim small" }, count(rules.length, "rule")) },
    h(
      "ul",
      { class: "rules" },
      rules.map((rule) => ruleLine(rule, zone, now)),
    ),
  );
}

function ruleLine(rule, zone, now) {
  const note = remark(rule, zone, now);
  const hasFigures = isNumber(rule.limit) || isNumber(rule.value);
  return h(
    "li",
    { class: `rule rule-${rule.verdict} ${rule.is_waived ? "rule-waived" : ""}`, data: { key: rule.id } },
    h(
      "span",
      { class: `verdict verdict-${rule.verdict}` },
      h("span", { "aria-hidden": "true" }, VERDICT_SIGNS[rule.verdict] ?? "?"),
      ` ${rule.verdict}`,
    ),
    h(
      "span",
      { class: "rule-name" },
      h("b", {}, rule.id),
      rule.mode === "enforce" ? null : h("span", { class: "tag" }, rule.mode),
      h("span", { class: "dim small" }, rule.type.replaceAll("_", " ")),
    ),
    hasFigures
      ? h("span", { class: "rule-figures num" }, figure(rule, rule.value), h("span", { class: "dim" }, ` of ${figure(rule, rule.limit)}`))
      : h("span", { class: "rule-figures dim" }, "\u2013"),
    bar(rule.used, rule.verdict, `${rule.id} used`),
    h("span", { class: "rule-room num" }, room(rule)),
    note ? h("span", { class: "rule-note" }, note) : null,
  );
}

