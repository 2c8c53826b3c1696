// The system's own health: connection, latency, prices, schedules, and the actors drawn live.

import { h, svg } from "./dom.js";
import { age, clockOf, count, isNumber, plain, secondsUntil, duration } from "./format.js";
import { boxesOf, groupsOf, layersOf } from "./layers.js";
import { isOld } from "./link.js";
import { card, empty } from "./parts.js";

const BOX = { width: 142, height: 62, gapX: 46, gapY: 26 };
const TALL_BOX = { width: 118, height: 66, gapX: 18, gapY: 44 };
const NARROW = "(max-width: 760px)";
const GRAVE_DEPTH = 100;
const SINKS = new Set(["journal", "view", "alerts"]);
const DETOUR = 42;

/** The screen. */
export function systemScreen(store) {
  return [
    h(
      "div",
      { class: "grid grid-3", data: { key: "health" } },
      connectionCard(store),
      latencyCard(store),
      scheduleCard(store),
      pricesCard(store.picture),
      settingsCard(store.picture),
    ),
    topologyCard(store),
  ];
}

function line(name, value, tone = "") {
  return h("li", { class: "fact" }, h("span", { class: "fact-name" }, name), h("span", { class: `fact-value ${tone}` }, value));
}

function upDown(isUp, isPast) {
  if (isPast) return h("span", { class: "amount-unknown" }, `? was ${isUp ? "up" : "down"}`);
  return h("span", { class: isUp ? "tone-text-armed" : "tone-text-locked" }, isUp ? "\u2713 up" : "\u2717 down");
}

function connectionCard({ picture, link, zone }) {
  const ways = picture.connection;
  const isPast = isOld(link);
  return card(
    "Connection",
    {},
    h(
      "ul",
      { class: "facts" },
      line("User hub (fills, orders)", upDown(ways.user_hub, isPast)),
      line("Second line of it", ways.second_line === null ? "not used" : upDown(ways.second_line, isPast)),
      line("Market hub (prices)", upDown(ways.market_hub, isPast)),
      line("REST (closes, cancels)", upDown(ways.rest, isPast)),
      line("Stands in", ways.fallback ?? "nothing needed"),
      ways.since ? line("Something down since", clockOf(ways.since, zone, link.now()), "amount-loss") : null,
      line("This page", { live: "\u2713 live stream", polling: "asks every second", late: "\u2717 behind", lost: "\u2717 no answer", login: "\u2717 not logged in" }[link.kind] ?? link.kind),
      Math.abs(link.skewMs) > 0 ? line("Clocks differ by", age(Math.abs(link.skewMs) / 1000), "amount-unknown") : null,
    ),
  );
}

function latencyCard({ topology, rates }) {
  const actors = topology?.actors.filter((actor) => isNumber(actor.handled)) ?? [];
  if (!actors.length) return card("Latency and load", {}, empty("Not known yet."));
  const told = (key, text) => {
    const worst = worstOf(actors, key);
    if (worst === null) return "unknown";
    return worst[key] ? h("span", {}, text(worst[key]), h("span", { class: "dim" }, ` ${worst.id}`)) : text(0);
  };
  const known = actors.map((actor) => rates.of(actor.id)).filter(isNumber);
  const restarts = totalOf(actors, "restarts");
  const lost = topology.dead_letters_total;
  return card(
    "Latency and load",
    {},
    h(
      "ul",
      { class: "facts" },
      line("Messages handled", known.length ? `${plain(Math.round(known.reduce((a, b) => a + b, 0)))} a second` : "measuring \u2026"),
      line("Longest wait in a mailbox", told("longest_wait_ms", (ms) => `${plain(ms)} ms`)),
      line("Longest turn", told("longest_turn_ms", (ms) => `${plain(ms)} ms`)),
      line("Deepest mailbox now", told("mailbox_depth", (depth) => plain(depth))),
      line("Longest silence", told("silent_s", (s) => `${plain(s)} s`)),
      line("Restarts", plain(restarts), restarts ? "amount-unknown" : ""),
      line("Messages to nobody", plain(lost), lost ? "amount-unknown" : ""),
    ),
  );
}

/** The actor with the largest figure; null where none tells it. */
export function worstOf(actors, key) {
  const told = actors.filter((actor) => isNumber(actor[key]));
  return told.reduce((worst, actor) => (worst === null || actor[key] > worst[key] ? actor : worst), null);
}

/** The sum over actors, unknown as soon as one is. */
export function totalOf(actors, key) {
  return actors.reduce((sum, actor) => (isNumber(sum) && isNumber(actor[key]) ? sum + actor[key] : null), 0);
}

function scheduleCard({ picture, zone, link }) {
  const now = link.now();
  return card(
    "Schedules",
    {},
    picture.schedules.length
      ? h(
          "ul",
          { class: "facts" },
          picture.schedules.map((each) => {
            const left = secondsUntil(each.next, now);
            return line(
              each.name.replaceAll("_", " "),
              h(
                "span",
                { title: `${each.cron} in ${each.zone}; last ${clockOf(each.last, zone, now)}` },
                isOld(link) ? null : h("b", { class: "num" }, left === null ? "unknown" : left <= 0 ? "now" : `in ${duration(left)}`),
                h("span", { class: "dim" }, ` ${clockOf(each.next, zone, now)}`),
              ),
            );
          }),
        )
      : empty("None known yet."),
    h("p", { class: "dim small" }, `Unlock policy: ${picture.unlock}`),
  );
}

function pricesCard({ prices }) {
  const dropped = Object.entries(prices.dropped);
  return card(
    "Prices",
    {},
    h(
      "ul",
      { class: "facts" },
      line("Surprising", `${plain(prices.surprising)}, of which ${plain(prices.confirmed)} confirmed, ${plain(prices.unanswered)} unanswered`),
      line("Waiting now", prices.waiting.length ? prices.waiting.join(", ") : "none", prices.waiting.length ? "amount-unknown" : ""),
      line("Dropped", dropped.length ? dropped.map(([why, n]) => `${why} ${plain(n)}`).join(", ") : "none"),
    ),
  );
}

function settingsCard({ pending, notices, settings_fault: fault }) {
  return card(
    "Settings and notices",
    { kind: "span-2" },
    fault ? h("p", { class: "warn-line" }, `! ${fault}`) : null,
    notices.map((text) => h("p", { class: "warn-line" }, `! ${text}`)),
    pending.length
      ? [h("h3", { class: "sub" }, "Wait for the daily reset, because they loosen"), h("ul", { class: "plain" }, pending.map((text) => h("li", {}, text)))]
      : null,
    fault || notices.length || pending.length ? null : h("p", { class: "dim" }, "\u2713 Settings in force; nothing waits, nothing to note."),
  );
}

function topologyCard(store) {
  const { topology } = store;
  if (!topology) {
    return card("Actors", { key: "topology" }, empty(store.topologyFault ? `They cannot be read: ${store.topologyFault}` : "Asking \u2026"));
  }
  const { groups, edges } = groupsOf(topology, store.showControl);
  return card(
    "Actors",
    {
      key: "topology",
      aside: h(
        "div",
        { class: "chips" },
        toggle(store.showSinks, "toggleSinks", "Lines to the sinks"),
        toggle(store.showControl, "toggleControl", "Supervision"),
      ),
    },
    h("div", { class: "graph-box" }, drawing(store, groups, edges)),
    details(store, groups, edges),
  );
}

function toggle(isOn, action, text) {
  return h("button", { type: "button", class: "chip", "aria-pressed": String(isOn), data: { do: action } }, text);
}

function drawing(store, groups, edges) {
  const isTall = matchMedia(NARROW).matches;
  const chosen = store.node;
  const shown = edges.filter(
    (edge) => store.showSinks || !SINKS.has(edge.to) || edge.from === chosen || edge.to === chosen,
  );
  const drawn = withLines(groups, shown);
  const layers = layersOf(drawn, edges.filter((edge) => drawn.has(edge.from) && drawn.has(edge.to)));
  const layout = boxesOf(layers, { isTall, ...(isTall ? TALL_BOX : BOX) });
  const rank = new Map(layers.flatMap((layer, n) => layer.map((kind) => [kind, n])));
  return svg(
    "svg",
    {
      class: `graph ${chosen ? "graph-chosen" : ""}`,
      viewBox: `-14 -14 ${layout.width + 28} ${layout.height + 28}`,
      role: "group",
      "aria-label": `The actors and who tells whom: ${drawn.size} kinds, from sources to sinks`,
    },
    svg(
      "defs",
      {},
      ["data", "control", "near"].map((kind) =>
        svg(
          "marker",
          { id: `arrow-${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
          svg("path", { class: `arrow arrow-${kind}`, d: "M0,0.5 L7.5,4 L0,7.5 z" }),
        ),
      ),
    ),
    shown.map((edge) => {
      const isNear = edge.from === chosen || edge.to === chosen;
      return svg(
        "path",
        {
          class: `edge edge-${edge.plane} ${isNear ? "edge-near" : ""}`,
          d: path(edge, layout, rank, isTall),
          "marker-end": `url(#arrow-${isNear ? "near" : edge.plane})`,
          data: { key: edge.key },
        },
        svg("title", {}, `${edge.from} to ${edge.to}: ${edge.messages.join(", ")}`),
      );
    }),
    [...drawn.values()].map((group) => node(store, group, layout.boxes.get(group.kind))),
  );
}

/** The groups that run here, and of the others those that have a line now. */
function withLines(groups, shown) {
  const ends = new Set(shown.flatMap((edge) => [edge.from, edge.to]));
  return new Map([...groups].filter(([kind, group]) => ends.has(kind) || group.members.some((actor) => isNumber(actor.handled))));
}

/** A curve from the side of one box to the side of another, in the direction of the ranks. */
function path(edge, layout, rank, isTall) {
  const [a, b] = [layout.boxes.get(edge.from), layout.boxes.get(edge.to)];
  const n = (x) => x.toFixed(1);
  // What passes other ranks goes around them, on the side where it begins or else where it ends.
  const passed = Math.max(rank.get(edge.to) - rank.get(edge.from) - 1, 0);
  const middle = isTall ? layout.width / 2 : layout.height / 2;
  const across = (box) => (isTall ? box.x + box.width / 2 : box.y + box.height / 2);
  const lean = across(a) - middle || across(b) - middle || -1;
  const aside = passed ? Math.sign(lean) * (DETOUR + passed * DETOUR * 0.4) : 0;
  if (isTall) {
    const [x1, y1, x2, y2] = [across(a), a.y + a.height, across(b), b.y];
    const bend = Math.max(Math.abs(y2 - y1) / 2, 24);
    return `M${n(x1)},${n(y1)} C${n(x1 + aside)},${n(y1 + bend)} ${n(x2 + aside)},${n(y2 - bend)} ${n(x2)},${n(y2)}`;
  }
  const [x1, y1, x2, y2] = [a.x + a.width, across(a), b.x, across(b)];
  const bend = Math.max(Math.abs(x2 - x1) / 2.6, 26);
  return `M${n(x1)},${n(y1)} C${n(x1 + bend)},${n(y1 + aside)} ${n(x2 - bend)},${n(y2 + aside)} ${n(x2)},${n(y2)}`;
}

/** The figures of a group: sums, or the worst of its members. */
function figures(group, rates) {
  const live = group.members.filter((actor) => isNumber(actor.handled));
  const known = live.map((actor) => rates.of(actor.id)).filter(isNumber);
  const isWell = (actor) => actor.status === undefined || actor.status === "started";
  return {
    isLive: live.length > 0,
    rate: known.length ? known.reduce((a, b) => a + b, 0) : null,
    depth: totalOf(live, "mailbox_depth"),
    restarts: totalOf(live, "restarts"),
    bad: live.filter((actor) => !isWell(actor) || actor.is_aside),
  };
}

function node(store, group, box) {
  const { rate, depth, restarts, bad, isLive } = figures(group, store.rates);
  const many = group.members.length > 1 ? ` \u00D7${group.members.length}` : "";
  const tone = bad.length ? "bad" : restarts || depth >= GRAVE_DEPTH ? "warn" : isLive ? "well" : "plain";
  const word = { bad: `\u2717 ${bad[0]?.is_aside ? "aside" : bad[0]?.status}`, warn: "!", well: "\u2713", plain: "" }[tone];
  const told = isLive ? `${rate === null ? "\u2026" : rateText(rate)}` : "source";
  return svg(
    "g",
    {
      class: `node node-${tone} ${store.node === group.kind ? "node-chosen" : ""}`,
      transform: `translate(${box.x.toFixed(1)} ${box.y.toFixed(1)})`,
      role: "button",
      tabindex: "0",
      "aria-pressed": String(store.node === group.kind),
      "aria-label": `${group.kind}${many}: ${group.about}. ${told}, ${depth} waiting, ${count(restarts, "restart")}`,
      data: { do: "node", kind: group.kind, key: `node-${group.kind}` },
    },
    svg("rect", { width: box.width, height: box.height, rx: 10 }),
    svg("text", { class: "node-name", x: 12, y: 21 }, group.kind, many ? svg("tspan", { class: "node-many" }, many) : null),
    svg("text", { class: "node-sign", x: box.width - 10, y: 21, "text-anchor": "end" }, word),
    svg("text", { class: "node-rate", x: 12, y: 39 }, told),
    isLive
      ? svg("text", { class: "node-rest", x: 12, y: 54 }, `${plain(depth)} waiting`, restarts ? ` \u00B7 ${count(restarts, "restart")}` : "")
      : null,
    sparkline(group, store.rates, box),
  );
}

function rateText(rate) {
  return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`;
}

function sparkline(group, rates, box) {
  const curves = group.members.map((actor) => rates.curve(actor.id)).filter((curve) => curve.length);
  const length = Math.min(...curves.map((curve) => curve.length));
  if (!curves.length || length < 2) return null;
  const sums = Array.from({ length }, (_, n) => curves.reduce((sum, curve) => sum + curve[curve.length - length + n], 0));
  const most = Math.max(...sums, 1);
  const [left, wide, low, high] = [box.width - 58, 48, box.height - 9, 16];
  const points = sums.map((sum, n) => `${(left + (wide * n) / (length - 1)).toFixed(1)},${(low - (high * sum) / most).toFixed(1)}`);
  return svg("polyline", { class: "node-spark", points: points.join(" ") });
}

function details(store, groups, edges) {
  const group = groups.get(store.node);
  if (!group) return h("p", { class: "dim small" }, "Choose an actor for its figures and messages.");
  const rows = group.members.filter((actor) => isNumber(actor.handled));
  const messages = (side, other) =>
    edges
      .filter((edge) => edge[side] === group.kind && edge.plane === "data")
      .map((edge) => h("li", {}, h("b", {}, edge[other]), ` ${edge.messages.join(", ")}`));
  const [from, to] = [messages("to", "from"), messages("from", "to")];
  return h(
    "div",
    { class: "details", data: { key: `details-${group.kind}` } },
    h("h3", { class: "sub" }, group.kind),
    h("p", {}, group.about),
    rows.length ? memberTable(rows, store.rates) : null,
    h(
      "div",
      { class: "details-lists" },
      h("div", {}, h("h4", {}, "Told by"), from.length ? h("ul", { class: "plain small" }, from) : h("p", { class: "dim small" }, "nobody")),
      h("div", {}, h("h4", {}, "Tells"), to.length ? h("ul", { class: "plain small" }, to) : h("p", { class: "dim small" }, "nobody")),
    ),
  );
}

function memberTable(rows, rates) {
  const columns = [
    ["Actor", (a) => a.id],
    ["State", (a) => (a.is_aside ? "aside" : a.status)],
    ["Rate", (a) => (rates.of(a.id) === null ? "\u2026" : rateText(rates.of(a.id)))],
    ["Handled", (a) => plain(a.handled)],
    ["Waiting", (a) => `${plain(a.mailbox_depth)} (most ${plain(a.mailbox_high_water)})`],
    ["Longest wait", (a) => `${plain(a.longest_wait_ms)} ms`],
    ["Longest turn", (a) => `${plain(a.longest_turn_ms)} ms`],
    ["Restarts", (a) => plain(a.restarts)],
    ["Last message", (a) => a.last_message ?? "\u2013"],
  ];
  return h(
    "div",
    { class: "table-box" },
    h(
      "table",
      { class: "small" },
      h("thead", {}, h("tr", {}, columns.map(([name]) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map((actor) => h("tr", { data: { key: actor.id } }, columns.map(([name, pick]) => h("td", { data: { name } }, pick(actor)))))),
    ),
  );
}

