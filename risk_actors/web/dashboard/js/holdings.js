// What is held and what is ordered, and how much more is safe.

import { h } from "./dom.js";
import { age, averagePrice, clockOf, instant, isNumber, price, usd } from "./format.js";
import { card, empty, money } from "./parts.js";
import { capital, safeSizes, symbolOf } from "./words.js";

/** A position as traders say it: "SHORT 2 MNQ". */
export function positionWords(held) {
  return `${held.size > 0 ? "LONG" : "SHORT"} ${Math.abs(held.size)} ${held.symbol}`;
}

function side(isLong, text) {
  return h("span", { class: `side ${isLong ? "side-long" : "side-short"}` }, isLong ? "\u25B2 " : "\u25BC ", text);
}

/** Open positions with P&L and age. */
export function positions(account, nowMs, zone) {
  if (!account.positions.length) return card("Positions", { kind: "span-2" }, empty("Flat."));
  const unprotected = account.headroom?.stop_out?.unprotected ?? {};
  return card(
    "Positions",
    { kind: "span-2" },
    table(
      ["Side", "Size", "Symbol", "Average", "Open P&L", "Age"],
      account.positions.map((held) => {
        const opened = instant(held.opened_at);
        return {
          key: held.contract,
          cells: [
            side(held.size > 0, held.size > 0 ? "LONG" : "SHORT"),
            String(Math.abs(held.size)),
            h(
              "span",
              { title: held.contract },
              held.symbol,
              unprotected[held.symbol] ? h("b", { class: "no-stop" }, " ! no stop") : null,
            ),
            averagePrice(held.average_price),
            money(held.unrealized),
            h(
              "span",
              { title: `since ${clockOf(held.opened_at, zone, nowMs)}` },
              opened === null ? "unknown" : age((nowMs - opened) / 1000),
            ),
          ],
        };
      }),
    ),
  );
}

/** Working orders. */
export function orders(account) {
  if (!account.orders.length) return card("Working orders", {}, empty("None."));
  return card(
    "Working orders",
    {},
    table(
      ["Side", "Size", "Symbol", "Type", "Price"],
      account.orders.map((order) => ({
        key: order.id,
        cells: [
          side(order.side === "buy", order.side.toUpperCase()),
          String(order.size),
          symbolOf(order.contract),
          order.type.replaceAll("_", " "),
          order.price === null ? "market" : price(order.price),
        ],
      })),
    ),
  );
}

function table(names, rows) {
  return h(
    "div",
    { class: "table-box" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h("tr", { data: { key: String(row.key) } }, row.cells.map((cell, n) => h("td", { data: { name: names[n] } }, cell))),
        ),
      ),
    ),
  );
}

/** How much is safe to add, what fires first, and what the stops would make of it. */
export function headroom(account, zone, nowMs) {
  const { sizes, note } = safeSizes(account, zone, nowMs);
  const first = account.headroom?.first ?? null;
  const out = account.headroom?.stop_out ?? null;
  const isOld = account.seen_at !== null;
  return card(
    "Headroom",
    { kind: isOld ? "is-old" : "" },
    h("h3", { class: "sub" }, "Safe to add now"),
    note ? h("p", { class: note.startsWith("Unknown") || isOld ? "amount-unknown" : "dim" }, note) : null,
    sizes.length
      ? h(
          "ul",
          { class: "sizes" },
          sizes.map((size) =>
            h(
              "li",
              { class: size.contracts === 0 ? "size size-none" : "size", data: { key: size.contract } },
              h("span", { class: "size-count num" }, size.contracts === null ? "\u221E" : String(size.contracts)),
              h("span", { class: "size-symbol" }, size.symbol),
              h(
                "span",
                { class: "dim" },
                size.contracts === null ? "no rule limits it" : size.contracts === 0 ? `none: ${size.rule}` : `one more breaks ${size.rule}`,
              ),
            ),
          ),
        )
      : null,
    h("h3", { class: "sub" }, "First to fire"),
    first
      ? h(
          "p",
          { class: "fire" },
          h("b", {}, first.rule),
          first.mode === "enforce" ? null : h("i", { class: "dim" }, ` (${first.mode})`),
          " after another ",
          h("b", { class: "num" }, usd(first.room)),
          " of loss",
        )
      : h("p", { class: "dim" }, account.headroom?.unknown ? "Unknown" : "No rule on loss"),
    first?.prices.length
      ? h(
          "ul",
          { class: "fire-prices" },
          first.prices.map((each) => h("li", {}, `${each.symbol} at `, h("b", { class: "num" }, price(each.price)))),
        )
      : null,
    out ? stopOut(out) : null,
  );
}

function stopOut(out) {
  const bare = Object.entries(out.unprotected).map(([symbol, size]) => `${size} ${symbol}`);
  return [
    h("h3", { class: "sub" }, "If every stop fills"),
    h(
      "p",
      {},
      "Day P&L ",
      isNumber(out.day) ? money(out.day) : h("span", { class: "amount-unknown" }, "unknown"),
      h("span", { class: "dim" }, isNumber(out.day) ? " less fees" : ""),
    ),
    bare.length ? h("p", { class: "no-stop" }, `! ${capital("no stop on ")}${bare.join(", ")}`) : null,
  ];
}
