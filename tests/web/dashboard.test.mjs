// Tests of the dashboard's pure functions; they need Node 20.10 or newer and nothing else:
//   node --experimental-default-type=module --test tests/web/dashboard.test.mjs

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

const base = new URL("../../risk_actors/web/dashboard/js/", import.meta.url);
const format = await import(new URL("format.js", base));
const words = await import(new URL("words.js", base));
const layers = await import(new URL("layers.js", base));
const range = await import(new URL("range.js", base));
const { lively } = await import(new URL("chart.js", base));
const link = await import(new URL("link.js", base));
const dialogs = await import(new URL("dialogs.js", base));
const history = await import(new URL("history.js", base));
const system = await import(new URL("system.js", base));
const { Rates } = await import(new URL("rates.js", base));
const { changes } = await import(new URL("watch.js", base));

const CHICAGO = "America/Chicago";
const AT = Date.parse("2026-11-21T21:18:51Z");

const account = (told = {}) => ({
  id: 1,
  name: "50K",
  can_trade: true,
  seen_at: null,
  locks: [],
  enforcement: null,
  headroom: null,
  ...told,
});

const picture = (told = {}) => ({
  armed: true,
  phase: "armed",
  detail: null,
  connection: { is_blind: false },
  accounts: [account()],
  rules: [],
  ...told,
});

const rule = (told = {}) => ({
  id: "daily-loss",
  account: 1,
  type: "daily_loss_limit",
  mode: "enforce",
  verdict: "ok",
  unit: "usd",
  value: -100,
  limit: -500,
  distance: 400,
  used: 0.2,
  reason: null,
  is_waived: false,
  next_cause: null,
  broken_at: null,
  broken_value: null,
  ...told,
});

const lock = (told = {}) => ({ id: 1, rule: "daily-loss", scope: "account", until: null, reason: "", ...told });

test("amounts", () => {
  assert.equal(format.usd(1234.5), "$1,234.50");
  assert.equal(format.usd(-12), "\u2212$12.00");
  assert.equal(format.usd(12, { signed: true }), "+$12.00");
  assert.equal(format.usd(0, { signed: true }), "$0.00");
  assert.equal(format.usd(-0.001, { signed: true }), "$0.00");
  assert.equal(format.price(98120.125), "98,120.125");
  assert.equal(format.price(21034.25), "21,034.25");
});

test("what is unknown is never shown as a figure", () => {
  for (const write of [format.usd, format.plain, format.price, format.duration, format.age]) {
    for (const nothing of [null, undefined, NaN, Infinity]) assert.equal(write(nothing), "unknown");
  }
  assert.equal(format.share(null), "");
});

test("lengths of time", () => {
  assert.equal(format.duration(270), "0:04:30");
  assert.equal(format.duration(2 * 86400 + 23333), "2d 6:28:53");
  assert.equal(format.duration(-5), "0:00:00");
  assert.equal(format.age(45), "45 s");
  assert.equal(format.age(11100), "3 h 05");
});

test("a share is 100% only once the limit is reached", () => {
  assert.equal(format.share(0.999), "99%");
  assert.equal(format.share(1), "100%");
  assert.equal(format.share(20), ">999%");
});

test("times are those of the zone", () => {
  assert.equal(format.clock(AT, CHICAGO), "15:18:51");
  assert.equal(format.clock(AT, CHICAGO, AT + 86_400_000), "Sat 15:18:51");
  assert.equal(format.clockOf("2026-11-21T23:00:00+00:00", CHICAGO, AT), "17:00:00 CST");
  assert.equal(format.clock(AT, "No/Zone"), "21:18:51");
  assert.equal(format.dayName("2026-11-20"), "Fri, Nov 20, 2026");
});

test("the worst state of the guard wins", () => {
  const key = (told) => words.guardState(picture(told)).key;
  assert.equal(key({}), "armed");
  assert.equal(key({ phase: "degraded" }), "degraded");
  assert.equal(key({ armed: false }), "shadow");
  assert.equal(key({ armed: false, phase: "faulted" }), "faulted");
  assert.equal(key({ phase: "faulted", connection: { is_blind: true } }), "blind");
});

test("an account's state", () => {
  const state = (told, armed = true) => words.accountState(account(told), armed).word;
  assert.equal(state({}), "OPEN");
  assert.equal(state({ locks: [lock()] }), "LOCKED");
  assert.equal(state({ locks: [lock()] }, false), "WOULD BE LOCKED");
  assert.equal(state({ locks: [lock({ scope: "CON.F.US.MNQ.Z26" })] }), "PARTLY LOCKED");
  assert.equal(state({ seen_at: "x" }), "NOT SEEN");
  assert.equal(state({ seen_at: "x", locks: [lock()] }), "LOCKED, NOT SEEN");
  assert.equal(state({ can_trade: null }), "UNKNOWN");
  assert.equal(state({ can_trade: false }), "BARRED BY BROKER");
  assert.equal(state({ enforcement: {}, locks: [lock()] }), "ENFORCING");
});

test("the lock that is shown is the account's, and the longest", () => {
  const locks = [
    lock({ id: 1, scope: "CON.F.US.MNQ.Z26" }),
    lock({ id: 2, until: "2026-11-21T20:00:00Z" }),
    lock({ id: 3, until: "2026-11-21T23:00:00Z" }),
  ];
  assert.equal(words.mainLock({ locks }).id, 3);
  assert.equal(words.mainLock({ locks: [...locks, lock({ id: 4 })] }).id, 4);
});

test("a rule's room and remark", () => {
  assert.equal(words.room(rule()), "$400.00 left");
  assert.equal(words.room(rule({ verdict: "breach", distance: 0 })), "reached");
  assert.equal(words.room(rule({ unit: "trades", distance: 1 })), "1 trade left");
  assert.equal(words.room(rule({ distance: null })), "");
  assert.match(words.remark(rule({ is_waived: true }), CHICAGO, AT), /not enforced again/);
  assert.equal(words.figure(rule({ verdict: "unknown" }), null), "unknown");
});

test("nothing is safe to add where nothing is seen", () => {
  const sizes = [{ symbol: "MNQ", contracts: 5 }];
  const told = words.safeSizes(account({ seen_at: "2026-11-21T21:00:00Z", headroom: { sizes } }), CHICAGO, AT);
  assert.deepEqual(told.sizes, []);
  assert.match(told.note, /^None/);
});

test("the gauge's scale holds limits and value", () => {
  const { low, high } = range.scaleOf(-565, -500, 1400);
  assert.ok(low < -565 && high > 1400);
  assert.equal(range.placeOn(-9999, low, high), 0);
});

test("ranks follow the messages, and a circle does not hang", () => {
  const edge = (from, to) => ({ from, to, plane: "data" });
  const ranks = layers.ranksOf(["a", "b", "c"], [edge("a", "b"), edge("b", "c"), edge("a", "c")]);
  assert.deepEqual([...ranks.values()], [0, 1, 2]);
  layers.ranksOf(["a", "b"], [edge("a", "b"), edge("b", "a")]);
});

test("rates come from counters, and one that began anew is no negative rate", () => {
  const rates = new Rates();
  const take = (handled, ms) => rates.take({ actors: [{ id: "pnl", handled }] }, ms);
  take(100, 0);
  assert.equal(rates.of("pnl"), null);
  take(150, 1000);
  assert.equal(rates.of("pnl"), 50);
  take(10, 2000);
  assert.equal(rates.of("pnl"), 10);
  take(15, 2050);
  assert.equal(rates.of("pnl"), 10, "too short to tell");
  take(30, 4000);
  assert.equal(rates.of("pnl"), 10);
});

test("the curve begins shortly before the day's first move", () => {
  const curve = { points: [[0, 0], [10_000, 0], [20_000, 5], [20_005, 9], [20_200, 9]], marks: [] };
  assert.deepEqual(lively(curve).slice(0, 2), [[19_960, 0], [20_000, 5]]);
});

test("a new lock and a breach are told once", () => {
  const before = picture({ rules: [rule()] });
  const now = picture({ accounts: [account({ locks: [lock()] })], rules: [rule({ verdict: "breach" })] });
  assert.deepEqual(changes(null, now), []);
  assert.deepEqual(changes(before, now).map((each) => each.tune), ["lock", "breach"]);
  assert.deepEqual(changes(now, now), []);
});

test("old is what nobody answers for, and what is not told for want of a token", () => {
  const old = ["connecting", "live", "polling", "lost", "login"].filter((kind) => link.isOld({ kind }));
  assert.deepEqual(old, ["lost", "login"]);
});

test("a page that is asked to log in is lost once nothing answers any more", () => {
  const known = { startedAt: 0, answeredAt: 1000, refusedAt: 60_000 };
  assert.equal(link.isSilent({ ...known, kind: "live" }, 4999), false);
  assert.equal(link.isSilent({ ...known, kind: "live" }, 5000), true);
  assert.equal(link.isSilent({ ...known, kind: "login" }, 63_999), false);
  assert.equal(link.isSilent({ ...known, kind: "login" }, 64_000), true);
});

test("what is old stays as of the last answer, and begins anew with the next", () => {
  const way = new link.Link({ onState() {}, onChange() {} });
  way.answeredAt = 1000;
  way.skewMs = 5;
  for (const kind of ["lost", "login"]) {
    way.kind = kind;
    assert.equal(way.asOf(), 1005);
  }
  way.kind = "live";
  assert.ok(way.asOf() > 1_000_000);
});

test("a panic that is not answered ends with words that claim nothing", async () => {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  const path = `http://127.0.0.1:${server.address().port}/api/panic`;
  try {
    assert.match((await link.send(path, {}, 50)).fault, /may or may not have been taken/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a panic under way is not begun again", () => {
  const sent = { account: 1, answer: null, isSending: true };
  assert.equal(dialogs.panicFor(sent, 2), sent);
  const next = dialogs.panicFor({ ...sent, isSending: false }, 2);
  assert.deepEqual(next, { account: 2, answer: null, isSending: false });
});

test("a past day's unknown counts are no zeros", () => {
  const day = { date: "2026-11-20", account: 1, realized: 5, fees: 1, trades: null, locks: 1, breaches: null };
  const sum = history.byDate([day, { ...day, account: 2, trades: 3, breaches: 2 }], null).get("2026-11-20");
  assert.deepEqual([sum.realized, sum.trades, sum.locks, sum.breaches], [10, null, 2, null]);
  assert.deepEqual([0, 1, 3, null, undefined].map((times) => history.mark("x", times)), ["", "x", "x3", "x?", "x?"]);
  const told = history.toldOf(sum);
  assert.equal(told, "Fri, Nov 20, 2026, +$10.00, unknown trades, 2 locks, unknown breaches");
  assert.equal(history.daysWon([{ realized: 5 }, { realized: -5 }, { realized: null }]), "1 of 3, 1 unknown");
  assert.equal(history.daysWon([{ realized: 5 }]), "1 of 1");
});

test("an actor's figure that is not told is no zero", () => {
  const actors = [{ id: "a", restarts: 1 }, { id: "b" }];
  assert.equal(system.totalOf(actors, "restarts"), null);
  assert.equal(system.totalOf(actors.slice(0, 1), "restarts"), 1);
  assert.equal(system.worstOf(actors, "restarts").id, "a");
  assert.equal(system.worstOf(actors, "longest_wait_ms"), null);
});
