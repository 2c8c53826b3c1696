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
const { Clocks } = await import(new URL("clocks.js", base));
const { Events } = await import(new URL("reading.js", base));
const header = await import(new URL("header.js", base));
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
  assert.equal(format.averagePrice(94655.83333333), "94,655.83");
  assert.equal(format.averagePrice(62.43333333), "62.4333");
  assert.equal(format.averagePrice(1.10005), "1.10005");
  assert.equal(format.averagePrice(0.0065335), "0.0065335");
  assert.equal(format.averagePrice(null), "unknown");
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

test("when nothing can be closed it is said once, in the guard's own words", () => {
  const detail = "nothing can be seen or closed now; use your platform. Connection lost: REST, since 19:07:14 CST";
  const told = words.guardState(picture({ detail, connection: { is_blind: true } })).text;
  assert.equal(told, `${words.capital(detail)}.`);
  assert.match(words.guardState(picture({ connection: { is_blind: true } })).text, /use your platform/i);
});

test("a tab's title says first what is worse than a lock", () => {
  const locked = { accounts: [account({ locks: [lock()] })] };
  const title = (told, kind = "live") => header.titleOf({ picture: picture({ ...locked, ...told }), link: { kind } });
  assert.match(title({}), /^\u25A0 LOCKED/);
  assert.match(title({ connection: { is_blind: true } }), /^\u2298 CANNOT ACT, LOCKED/);
  assert.match(title({ phase: "faulted" }), /^\u2717 FAULTED, LOCKED/);
  assert.match(title({ phase: "degraded" }), /^\u25B2 DEGRADED, LOCKED/);
  assert.match(title({ armed: false }), /SHADOW · risk_actors$/);
  assert.match(title({}, "late"), /OLD/);
  assert.match(title({}, "lost"), /NO ANSWER/);
});

test("a sum is as old as its oldest part", () => {
  const told = (...seen) => words.sumsNote({ accounts: seen.map((seen_at, id) => account({ id, seen_at })) }, CHICAGO, AT);
  assert.equal(told(null, null), "");
  assert.equal(told(null, "2026-11-21T21:10:00Z"), "1 of 2 accounts not seen: as of 15:10:00 CST");
  assert.equal(told("2026-11-21T21:12:00Z", "2026-11-21T21:10:00Z"), "As last seen at 15:10:00 CST");
});

test("a panic that can close nothing is warned of, and not told in green", () => {
  const link = { kind: "live" };
  const blind = { link, picture: picture({ connection: { is_blind: true } }) };
  assert.match(dialogs.panicWarning(blind), /NOTHING can be closed now: use your platform/);
  assert.equal(dialogs.panicWarning({ link, picture: picture() }), "");
  assert.match(dialogs.panicWarning({ link, picture: picture({ armed: false }) }), /Not armed/);
  assert.match(dialogs.panicWarning({ link: { kind: "late" }, picture: picture() }), /is old/);
  const of = (store) => dialogs.panicOutcome({ sentence: "flattening and locking" }, store);
  assert.deepEqual(of(blind).tone, "warn");
  assert.match(of(blind).text, /NOTHING can be closed now: use your platform/);
  assert.equal(of({ link, picture: picture() }).tone, "good");
  assert.match(of({ link, picture: picture() }).text, /until it is FLAT/);
  assert.equal(dialogs.panicOutcome({ fault: "no" }, blind).tone, "bad");
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
  assert.equal(state({ enforcement: {}, seen_at: "x" }), "NOT SEEN", "what is sent there is not seen to work");
  assert.equal(state({ enforcement: {}, seen_at: "x", locks: [lock()] }), "LOCKED, NOT SEEN");
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

test("old is what nobody answers for, what arrives late, and what is not told for want of a token", () => {
  const old = ["connecting", "live", "polling", "late", "lost", "login"].filter((kind) => link.isOld({ kind }));
  assert.deepEqual(old, ["late", "lost", "login"]);
});

test("a page that is asked to log in is lost once nothing answers any more", () => {
  const known = { startedAt: 0, answeredAt: 1000, refusedAt: 60_000 };
  assert.equal(link.isSilent({ ...known, kind: "live" }, 4999), false);
  assert.equal(link.isSilent({ ...known, kind: "live" }, 5000), true);
  assert.equal(link.isSilent({ ...known, kind: "login" }, 63_999), false);
  assert.equal(link.isSilent({ ...known, kind: "login" }, 64_000), true);
});

test("what is old stays as of when the guard told it, and begins anew with the next", () => {
  const way = new link.Link({ onState() {}, onChange() {} });
  way.toldMs = 1005;
  for (const kind of ["late", "lost", "login"]) {
    way.kind = kind;
    assert.equal(way.asOf(), 1005);
  }
  way.kind = "live";
  assert.ok(way.asOf() > 1_000_000);
});

test("clocks that may agree do, so that what was long on its way is known to be old", () => {
  const clocks = new Clocks();
  clocks.take(100_000, 106_000);
  assert.equal(clocks.aheadMs, 0, "6 s on its way, not 6 s behind");
  clocks.take(100_000, 107_000, { askedAt: 99_000, roundedMs: 1000 });
  assert.equal(clocks.aheadMs, 0);
});

test("clocks that cannot agree are told apart, and a clock that is set is learnt anew", () => {
  const clocks = new Clocks();
  clocks.take(50_000, 110_000, { askedAt: 109_900 });
  assert.equal(clocks.aheadMs, -59_900);
  clocks.take(60_000, 120_000);
  assert.ok(Math.abs(clocks.aheadMs + 59_900) < 10);
  clocks.take(131_000, 131_000);
  assert.equal(clocks.aheadMs, 0, "it was set right");
  clocks.forget();
  assert.equal(clocks.aheadMs, 0, "nothing changes before something is told");
  clocks.take(5000, 140_000, { askedAt: 139_990 });
  assert.equal(clocks.aheadMs, -134_990);
});

test("two clocks that drift apart for days do not make present figures old", () => {
  const clocks = new Clocks();
  const DAY_MS = 86_400_000;
  for (let at = 0; at <= 3 * DAY_MS; at += 1000) clocks.take(at - at * 0.00005, at);
  assert.ok(Math.abs(clocks.aheadMs + 3 * DAY_MS * 0.00005) < 1000 || clocks.aheadMs === 0);
});

test("pieces of a stream are no events until they are whole", () => {
  const events = new Events();
  assert.deepEqual(events.take('data: {"a"'), []);
  assert.deepEqual(events.take(": 1}\n"), []);
  assert.deepEqual(events.take('\n: ping\n\nevent: alive\ndata: {"at": 2}\n\ndata: x'), [
    { name: "message", data: '{"a": 1}' },
    { name: "alive", data: '{"at": 2}' },
  ]);
  assert.deepEqual(events.take("\n\n"), [{ name: "message", data: "x" }]);
});

/** A guard's HTTP side as the test wants it, and a page's way to it, both ended afterwards. */
async function way(answer, look) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const told = [];
  const base = `http://127.0.0.1:${server.address().port}`;
  const page = new link.Link({ base, onState: (state, how) => told.push({ state, ...how }), onChange() {} });
  try {
    page.start();
    await look(page, told);
  } finally {
    page.end();
    server.closeAllConnections();
    server.close();
  }
}

async function until(isSo, what, withinMs = 15_000) {
  const end = Date.now() + withinMs;
  while (!isSo()) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const stated = (told = {}) => `data: ${JSON.stringify({ accounts: [], run: "a", ...told })}\n\n`;
const ago = (ms) => new Date(Date.now() - ms).toISOString();

test("a state that took its time is shown as of when it was told", async () => {
  let at = null;
  const answer = (request, response) => {
    if (request.url !== "/api/events") return;
    at = ago(0);
    response.write(": a line with a delay\n\n");
    setTimeout(() => response.write(stated({ at })), 4500);
  };
  await way(answer, async (page, told) => {
    await until(() => told.length === 1, "it is shown all the same");
    assert.equal(page.kind, "late");
    assert.equal(page.asOf(), Date.parse(at));
  });
});

test("on a slow line the first state is not asked for again while it comes", async () => {
  const asked = [];
  const text = stated({ at: ago(0), padding: "x".repeat(400) });
  const answer = async (request, response) => {
    asked.push(request.url);
    if (request.url !== "/api/events") return;
    for (let n = 0; n < text.length; n += 40) {
      response.write(text.slice(n, n + 40));
      await new Promise((resolve) => setTimeout(resolve, 480));
    }
  };
  await way(answer, async (page, told) => {
    await until(() => page.kind === "late", "after 4 s it is said that it comes slowly");
    assert.equal(told.length, 0);
    assert.ok(page.bytes > 0);
    await until(() => told.length === 1, "it comes in the end");
    assert.deepEqual(asked, ["/api/events"]);
    assert.equal(page.fault, "");
  });
});

test("a stream with a queue is left, and asking shows what is so now", async () => {
  const begunAt = Date.now();
  const answer = (request, response) => {
    if (request.url === "/api/events") {
      const at = ago(0);
      response.write(": a queue begins\n\n");
      setTimeout(() => response.write(stated({ at, detail: "old" })), 8500);
    } else if (Date.now() - begunAt > 8500) response.end(JSON.stringify({ accounts: [], run: "a", at: ago(0), detail: "now" }));
  };
  await way(answer, async (page, told) => {
    await until(() => page.kind === "polling", "it is asked for");
    assert.deepEqual(told.map(({ state }) => state.detail), ["old", "now"]);
  });
});

test("an answer that stops coming is given up in words of our own", async () => {
  const answer = (request, response) => {
    if (request.url === "/api/state") response.write('{"accounts": [');
    else response.writeHead(503).end();
  };
  await way(answer, async (page) => {
    await until(() => page.fault !== "" && page.fault !== "it answers 503", "it is given up");
    assert.equal(page.fault, "no answer in time");
    assert.equal(page.kind, "lost");
  });
});

test("what the guard says of itself keeps the last state present; another run makes it none", async () => {
  let stream = null;
  const answer = (request, response) => {
    if (request.url !== "/api/events") return response.end(JSON.stringify({ accounts: [], run: "b", at: ago(0) }));
    stream = response;
    response.write(stated({ at: ago(0) }));
  };
  await way(answer, async (page, told) => {
    await until(() => told.length === 1, "the first state");
    const first = page.toldMs;
    const alive = { at: ago(0), run: "a" };
    await until(() => Date.now() > first, "time goes on");
    stream.write(`event: alive\ndata: ${JSON.stringify({ ...alive, at: ago(0) })}\n\n`);
    await until(() => page.toldMs > first, "it is alive");
    const kept = page.toldMs;
    stream.write(`event: alive\ndata: ${JSON.stringify({ at: ago(-50), run: "x" })}\n\n`);
    stream.write(stated({ at: ago(0), run: "b" }));
    await until(() => told.length === 2, "the other run's state");
    assert.ok(page.toldMs < kept + 40_000);
    assert.deepEqual(told.map((each) => each.isOtherRun), [false, true]);
    assert.equal(page.run, "b");
  });
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

test("a panic is taken only where the guard itself says so", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/portal") response.writeHead(302, { Location: "/login" }).end();
    else if (request.url === "/refused") response.writeHead(409).end('{"error": "not armed"}');
    else if (request.url === "/taken") response.writeHead(202).end('{"accepted": true, "sentence": "flattening"}');
    else response.end("<html>hotel wifi</html>");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const say = (path) => link.send(`http://127.0.0.1:${server.address().port}${path}`, {});
  try {
    assert.deepEqual(await say("/taken"), { sentence: "flattening" });
    assert.deepEqual(await say("/refused"), { fault: "not armed" });
    for (const path of ["/portal", "/login"]) assert.match((await say(path)).fault, /not the guard.*Look at your platform/);
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
