// Past days: a calendar of months by P&L, with locks and breaches, and the day behind each cell.

import { h } from "./dom.js";
import { count, dayName, isNumber, plain, usd } from "./format.js";
import { button, card, empty, money, stat } from "./parts.js";

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];

/** Days of one account or all, summed by date: Map of date to the sum. */
export function byDate(days, account) {
  const sums = new Map();
  for (const day of days) {
    if (account !== null && day.account !== account) continue;
    const sum = sums.get(day.date) ?? { date: day.date, realized: 0, fees: 0, trades: 0, locks: 0, breaches: 0, days: [] };
    for (const key of ["realized", "fees", "trades", "locks", "breaches"]) {
      sum[key] = isNumber(sum[key]) && isNumber(day[key]) ? sum[key] + day[key] : null;
    }
    sum.days.push(day);
    sums.set(day.date, sum);
  }
  return sums;
}

/** The weeks of a month ("2026-11"), Sunday first; null stands for days of other months. */
export function weeksOf(month) {
  const [year, number] = month.split("-").map(Number);
  const first = new Date(Date.UTC(year, number - 1, 1));
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const cells = Array(first.getUTCDay()).fill(null);
  for (let day = 1; day <= length; day += 1) cells.push(`${month}-${String(day).padStart(2, "0")}`);
  while (cells.length % 7) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/** The month so many months later. */
export function monthAfter(month, by) {
  const [year, number] = month.split("-").map(Number);
  const at = new Date(Date.UTC(year, number - 1 + by, 1));
  return `${at.getUTCFullYear()}-${String(at.getUTCMonth() + 1).padStart(2, "0")}`;
}

/** The screen. */
export function historyScreen(store) {
  const { history } = store;
  if (!history || (history.isLoading && !history.data)) return [card("History", {}, empty("Asking for past days …"))];
  if (history.missing) {
    return [card("History", {}, empty("This guard does not serve its history. On the console: risk-actors audit."))];
  }
  if (history.fault) return [card("History", {}, empty(`Past days cannot be read: ${history.fault}`))];
  const days = history.data.days;
  const sums = byDate(days, store.historyAccount);
  const month = store.month ?? [...sums.keys()].sort().at(-1)?.slice(0, 7) ?? new Date(store.link.now()).toISOString().slice(0, 7);
  const inMonth = [...sums.values()].filter((sum) => sum.date.startsWith(month));
  return [
    h(
      "div",
      { class: "history", data: { key: "history" } },
      h("div", { class: "history-month", data: { key: "month" } }, calendarCard(store, month, sums, inMonth), monthTable(store, inMonth)),
      dayCard(store, sums),
    ),
  ];
}

function calendarCard(store, month, sums, inMonth) {
  const [year, number] = month.split("-").map(Number);
  const most = Math.max(1, ...inMonth.map((sum) => Math.abs(sum.realized ?? 0)));
  return card(
    `${MONTHS[number - 1]} ${year}`,
    {
      key: "calendar",
      id: "calendar",
      aside: h(
        "div",
        { class: "chips" },
        accountChoice(store),
        button("\u2190", "month", { kind: "chip", data: { by: -1, month }, "aria-label": "Month before" }),
        button("\u2192", "month", { kind: "chip", data: { by: 1, month }, "aria-label": "Month after" }),
      ),
    },
    h("div", { class: "month-sums" }, ...monthSums(inMonth)),
    h(
      "table",
      { class: "calendar" },
      h("thead", {}, h("tr", {}, WEEKDAYS.map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        {},
        weeksOf(month).map((week) => h("tr", {}, week.map((date) => cell(store, date, sums.get(date), most)))),
      ),
    ),
  );
}

function accountChoice(store) {
  const accounts = store.picture?.accounts ?? [];
  const ids = new Set([...accounts.map((account) => account.id), ...store.history.data.days.map((day) => day.account)]);
  if (ids.size < 2) return null;
  const names = new Map(accounts.map((account) => [account.id, account.name]));
  return h(
    "select",
    { class: "chip", "aria-label": "Account", data: { change: "historyAccount" } },
    h("option", { value: "", selected: store.historyAccount === null }, "All accounts"),
    [...ids].map((id) =>
      h("option", { value: String(id), selected: store.historyAccount === id }, names.get(id) ?? `account ${id}`),
    ),
  );
}

function monthSums(inMonth) {
  const total = (key) => inMonth.reduce((sum, each) => (isNumber(sum) && isNumber(each[key]) ? sum + each[key] : null), 0);
  const traded = inMonth.filter((sum) => sum.trades !== 0);
  return [
    stat("Month", money(total("realized"), { size: "amount-l" })),
    stat("Days won", daysWon(traded)),
    stat("Trades", plain(total("trades")), `fees ${usd(total("fees"))}`),
    stat("Locks", plain(total("locks"))),
    stat("Breaches", plain(total("breaches"))),
  ];
}

function cell(store, date, sum, most) {
  if (date === null) return h("td", { class: "cell cell-out" });
  const number = String(Number(date.slice(8)));
  if (!sum) return h("td", { class: "cell" }, h("span", { class: "cell-day" }, number));
  const known = isNumber(sum.realized);
  const tone = !known ? "unknown" : sum.realized > 0 ? "gain" : sum.realized < 0 ? "loss" : "flat";
  return h(
    "td",
    { class: "cell" },
    h(
      "button",
      {
        type: "button",
        class: `cell-button cell-${tone}`,
        "aria-pressed": String(store.day === date),
        "aria-label": toldOf(sum),
        data: { do: "day", date },
        vars: { weight: known ? (0.12 + 0.6 * (Math.abs(sum.realized) / most)).toFixed(3) : "0" },
      },
      h("span", { class: "cell-day" }, number),
      h("span", { class: "cell-sum num" }, ...(known ? dollars(sum.realized) : ["?"])),
      h("span", { class: "cell-marks" }, [mark("\u25A0", sum.locks), mark("\u2717", sum.breaches)].filter(Boolean).join(" ")),
    ),
  );
}

/** A day in words, for those who hear the calendar. */
export function toldOf(sum) {
  return [
    dayName(sum.date),
    usd(sum.realized, { signed: true }),
    count(sum.trades, "trade"),
    count(sum.locks, "lock"),
    count(sum.breaches, "breach", "breaches"),
  ].join(", ");
}

/** The sign of what happened on a day, with how often: nothing for never, "?" for unknown. */
export function mark(sign, times) {
  if (!isNumber(times)) return `${sign}?`;
  return times > 1 ? sign + times : times === 1 ? sign : "";
}

/** How many days were won: "3 of 5", "3 of 5, 1 unknown". */
export function daysWon(traded) {
  const won = traded.filter((sum) => sum.realized > 0).length;
  const unknown = traded.filter((sum) => !isNumber(sum.realized)).length;
  return `${won} of ${traded.length}${unknown ? `, ${unknown} unknown` : ""}`;
}

/** Whole dollars, whose sign of the currency narrow windows leave out. */
function dollars(amount) {
  const [before, after] = usd(amount, { signed: true, cents: false }).split("$");
  return [before, h("span", { class: "cell-dollar" }, "$"), after];
}

/** Whether nothing at all is known to have happened on an account's day. */
export function isQuiet(day) {
  return ["realized", "fees", "trades", "locks", "breaches"].every((key) => day[key] === 0);
}

function dayCard(store, sums) {
  const sum = store.day ? sums.get(store.day) : null;
  if (!sum) return card("The day", { key: "day" }, empty("Choose a day of the calendar."));
  const names = new Map((store.picture?.accounts ?? []).map((account) => [account.id, account.name]));
  const nameOf = (day) => names.get(day.account) ?? `Account ${day.account}`;
  const quiet = sum.days.filter(isQuiet);
  return card(
    dayName(sum.date),
    { key: "day", id: "day" },
    sum.days.filter((day) => !isQuiet(day)).map((day) =>
      h(
        "div",
        { class: "day" },
        h("h3", { class: "sub" }, nameOf(day)),
        h(
          "div",
          { class: "day-stats" },
          stat("Closed P&L", money(day.realized, { size: "amount-l" })),
          stat("Best", money(day.peak)),
          stat("Worst", money(day.low)),
          stat("Fees", money(day.fees, { signed: false, tone: false })),
          stat("Trades", plain(day.trades)),
          stat("Breaches", h("span", {}, `\u2717 ${plain(day.breaches)}`)),
          stat("Locks", h("span", {}, `\u25A0 ${plain(day.locks)}`)),
        ),
      ),
    ),
    quiet.length ? h("p", { class: "day-quiet dim" }, `Nothing traded on ${quiet.map((day) => nameOf(day)).join(", ")}.`) : null,
    h("p", { class: "dim small" }, "What happened then: ", h("code", {}, `risk-actors audit`)),
  );
}

function monthTable(store, inMonth) {
  if (!inMonth.length) return null;
  const rows = [...inMonth].sort((a, b) => b.date.localeCompare(a.date));
  const names = ["Day", "Closed P&L", "Fees", "Trades", "Breaches", "Locks"];
  return card(
    "Days",
    { key: "days" },
    h(
      "div",
      { class: "table-box" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))),
        h(
          "tbody",
          {},
          rows.map((sum) =>
            h(
              "tr",
              { data: { key: sum.date } },
              [dayName(sum.date), money(sum.realized), usd(sum.fees), plain(sum.trades), plain(sum.breaches), plain(sum.locks)].map((value, n) =>
                h("td", { data: { name: names[n] } }, value),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}
