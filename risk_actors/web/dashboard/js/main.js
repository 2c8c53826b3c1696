// Begins the page: takes pictures from the link, shows the chosen screen, and acts on keys.

import { accountScreen } from "./account.js";
import { Chart, curveFrom, extend } from "./chart.js";
import { confirmPanic, drawPanic, openHelp, openPanic, redrawPanic } from "./dialogs.js";
import { h, show } from "./dom.js";
import { isNumber, usd } from "./format.js";
import { alarms, footer, header, iconOf, titleOf } from "./header.js";
import { historyScreen, monthAfter } from "./history.js";
import { ask, isOld, Link } from "./link.js";
import { overview } from "./overview.js";
import { empty } from "./parts.js";
import { dayRules } from "./range.js";
import { Rates } from "./rates.js";
import { play, toggleSound, wake } from "./sound.js";
import { systemScreen } from "./system.js";
import { changes } from "./watch.js";
import { nearest, rulesOf } from "./words.js";

const TOPOLOGY_EVERY_MS = 1500;
const TOPOLOGY_ELSEWHERE_EVERY_MS = 6000;
const CURVE_EVERY_MS = 60_000;
const CURVE_AGAIN_AFTER_MARK_MS = 1500;
const HISTORY_EVERY_MS = 60_000;
const CHAIN_AGAIN_MS = 10_000;
const HISTORY_DAYS = 400;

const NOTHING_YET = {
  lost: "No figures: the guard has not answered since this page was opened.",
  late: "No figures yet: the line to the guard is slow, and its first answer is still on its way.",
  login: "No figures: log in first.",
};

const byId = (id) => document.getElementById(id);

const store = {
  picture: null,
  zone: "UTC",
  route: { screen: "overview", id: null },
  open: new Set(),
  chains: new Map(),
  curves: new Map(),
  filter: "all",
  topology: null,
  topologyFault: "",
  rates: new Rates(),
  viewLagS: 0,
  node: null,
  showControl: false,
  showSinks: false,
  history: null,
  historyAccount: null,
  month: null,
  day: null,
  panic: null,
  restartedAt: null,
};

store.link = new Link({ onState: take, onChange: linkChanged });

let isDue = false;
let toldKind = "connecting";

/** Show everything again with the next frame; a page in the background has none. */
function render() {
  if (isDue) return;
  isDue = true;
  const draw = () => {
    isDue = false;
    paint();
  };
  if (document.hidden) setTimeout(draw, 500);
  else requestAnimationFrame(draw);
}

function paint() {
  const { link } = store;
  document.title = titleOf(store);
  const icon = `/static/icons/${iconOf(store)}.svg`;
  if (byId("icon").getAttribute("href") !== icon) byId("icon").setAttribute("href", icon);
  document.body.classList.toggle("is-old-all", isOld(link));
  document.body.classList.toggle("is-shadow", Boolean(store.picture && !store.picture.armed));
  show(byId("top"), ...header(store));
  show(byId("alarms"), ...alarms(store));
  show(byId("main"), ...screen());
  show(byId("foot"), ...footer(store));
  showCurve();
  redrawPanic(store);
}

function screen() {
  const { picture, route, link } = store;
  if (!picture) {
    const come = link.bytes ? ` ${Math.ceil(link.bytes / 1000)} kB have come.` : "";
    return [empty(`${NOTHING_YET[link.kind] ?? "Asking the guard \u2026"}${come}`)];
  }
  if (route.screen === "account") {
    const account = picture.accounts.find((each) => each.id === route.id);
    return account ? accountScreen(store, account) : [empty("There is no such account (any more).")];
  }
  if (route.screen === "history") return historyScreen(store);
  if (route.screen === "system") return systemScreen(store);
  return overview(store);
}

function take(picture, { isOtherRun }) {
  if (isOtherRun) forget();
  const before = store.picture;
  store.picture = picture;
  store.zone = picture.timezone;
  for (const change of changes(before, picture)) {
    announce(change.text, change.isUrgent);
    if (change.tune) play(change.tune);
  }
  const nowS = store.link.now() / 1000;
  for (const account of picture.accounts) {
    if (account.seen_at !== null) continue;
    const curve = store.curves.get(account.id) ?? curveFrom(null);
    store.curves.set(account.id, curve);
    extend(curve, nowS, account.day.equity);
  }
  if (before && picture.events.at(-1)?.at !== before.events.at(-1)?.at) {
    for (const chain of store.chains.values()) chain.isStale = true;
    for (const key of store.open) loadChain(key.split("|").at(-3));
    setTimeout(loadCurve, CURVE_AGAIN_AFTER_MARK_MS);
  }
  if (!before) refresh(); // Not earlier: on a slow line it would hold up the state.
  render();
}

/** Another run of the guard answers: drop all that the earlier one told. */
function forget() {
  const fresh = { picture: null, topology: null, topologyFault: "", rates: new Rates(), viewLagS: 0, history: null, day: null };
  Object.assign(store, fresh, { restartedAt: store.link.now() });
  for (const each of [store.open, store.chains, store.curves]) each.clear();
  const dialog = byId("panic-dialog");
  // The question was about the accounts of then; what was answered stays to be read.
  if (dialog.open && !store.panic.isSending && !store.panic.answer) dialog.close();
  announce("Another run of the guard answers. What the earlier one told is no longer shown.", true);
}

function linkChanged() {
  const { link } = store;
  const wasOld = isOld({ kind: toldKind });
  if (link.kind === "lost") announce("No answer from the guard. What is shown is old.", true);
  if (link.kind === "late") announce("What is shown is old: nothing newer has come from the guard.", true);
  if (link.kind === "login") announce("The guard asks for its token. What is shown is old.", true);
  if (isOld(link) && !wasOld) play("lost");
  if (!isOld(link) && wasOld) {
    announce("What is shown is present again.", true);
    refresh();
  }
  toldKind = link.kind;
  render();
}

function announce(text, isUrgent) {
  const region = byId(isUrgent ? "alert" : "announce");
  region.replaceChildren(h("p", {}, text));
}

// What is asked for beside the state.

async function loadTopology() {
  if (!store.picture || isOld(store.link)) return;
  const { data, fault, missing } = await ask("/api/topology");
  if (!data) {
    store.topologyFault = missing ? "not served" : fault;
    return;
  }
  store.topologyFault = "";
  store.topology = data;
  store.rates.take(data, performance.now());
  const view = data.actors.find((actor) => actor.kind === "view");
  store.viewLagS = Math.max(view?.lag_s ?? 0, view?.silent_s ?? 0);
  render();
}

async function loadCurve() {
  const { screen: name, id } = store.route;
  if (name !== "account" || !store.picture || isOld(store.link)) return;
  const answer = await ask(`/api/curve?account=${id}`);
  if (!answer.data || !Array.isArray(answer.data.points)) return;
  const curve = curveFrom(answer);
  const account = store.picture?.accounts.find((each) => each.id === id);
  if (account && account.seen_at === null) extend(curve, store.link.now() / 1000, account.day.equity);
  store.curves.set(id, curve);
  render();
}

async function loadHistory() {
  if (store.route.screen !== "history" || !store.picture || isOld(store.link)) return;
  if (!store.history) store.history = { isLoading: true };
  const answer = await ask(`/api/history?days=${HISTORY_DAYS}`);
  if (answer.data || !store.history.data) store.history = answer;
  if (store.day === null) store.day = answer.data?.days[0]?.date ?? null;
  render();
}

async function loadChain(correlation) {
  if (!correlation) return;
  const known = store.chains.get(correlation);
  if (known?.isLoading) return;
  if (known?.data && !known.isStale && Date.now() - known.atMs < CHAIN_AGAIN_MS) return;
  store.chains.set(correlation, { ...known, isLoading: true });
  const answer = await ask(`/api/audit?correlation=${encodeURIComponent(correlation)}`);
  store.chains.set(correlation, { ...answer, atMs: Date.now() });
  render();
}

function refresh() {
  loadTopology();
  loadCurve();
  loadHistory();
}

// The curve of the account on show.

let chart = null;
let chartKey = "";

function showCurve() {
  const box = document.querySelector(".curve");
  const key = box ? `${box.dataset.account}|${window.riskActorsTheme.isDark()}|${store.zone}` : "";
  if (key !== chartKey || (chart && chart.box !== box)) {
    chart?.end();
    chart = null;
    chartKey = key;
  }
  if (!box) return;
  const id = Number(box.dataset.account);
  const curve = store.curves.get(id);
  const account = store.picture.accounts.find((each) => each.id === id);
  if (!curve || !account || curve.points.length < 2) return;
  chart ??= new Chart(box, { onMark: (mark) => why(mark.correlation_id) });
  chart.show(curve, limitLines(account), store.zone);
}

function limitLines(account) {
  const rules = rulesOf(store.picture, account);
  const [loss, target] = dayRules(rules);
  const lines = [];
  if (isNumber(loss?.limit)) lines.push({ at: loss.limit, text: `${loss.id} ${usd(loss.limit)}`, tone: "--bad" });
  if (isNumber(target?.limit)) lines.push({ at: target.limit, text: `${target.id} ${usd(target.limit)}`, tone: "--good" });
  const giveback = nearest(rules, "profit_giveback");
  if (isNumber(giveback?.limit) && isNumber(account.day.equity) && giveback.limit < account.day.equity) {
    lines.push({ at: giveback.limit, text: `${giveback.id} ${usd(giveback.limit)}`, tone: "--warn" });
  }
  return lines;
}

/** Open the latest entry of the timeline that has this correlation id. */
function why(correlation) {
  const lines = [...document.querySelectorAll(".event-line")].filter((line) => line.dataset.correlation === correlation);
  const line = lines.at(-1);
  if (!line) {
    if (store.filter !== "all") store.filter = "all";
    announce("What led to it is not among the latest events.", false);
    render();
    return;
  }
  store.open.add(line.dataset.key);
  loadChain(correlation);
  render();
  line.scrollIntoView({ block: "center", behavior: "smooth" });
  line.focus({ preventScroll: true });
}

// What buttons and keys do.

const actions = {
  theme() {
    window.riskActorsTheme.toggle();
  },
  sound() {
    toggleSound().then(render);
  },
  help() {
    openHelp();
  },
  panic() {
    openPanic(store, store.route.screen === "account" ? store.route.id : null);
  },
  panicAccount({ account }) {
    if (store.panic.isSending) return;
    store.panic.account = account === "" ? null : Number(account);
    drawPanic(store);
  },
  panicConfirm() {
    confirmPanic(store);
  },
  seenRestart() {
    store.restartedAt = null;
  },
  close(_, element) {
    element.closest("dialog").close();
  },
  filter({ value }) {
    store.filter = value;
  },
  chain({ key, correlation }) {
    if (store.open.delete(key)) return;
    store.open.add(key);
    loadChain(correlation);
  },
  why({ correlation }) {
    why(correlation);
  },
  node({ kind }) {
    store.node = store.node === kind ? null : kind;
  },
  toggleControl() {
    store.showControl = !store.showControl;
  },
  toggleSinks() {
    store.showSinks = !store.showSinks;
  },
  month({ by, month }) {
    store.month = monthAfter(month, Number(by));
  },
  day({ date }) {
    store.day = date;
  },
};

function act(element) {
  actions[element.dataset.do](element.dataset, element);
  render();
}

document.addEventListener("click", (event) => {
  wake().then(render);
  const element = event.target.closest("[data-do]");
  if (element) act(element);
});

document.addEventListener("change", (event) => {
  if (event.target.dataset.change === "historyAccount") {
    store.historyAccount = event.target.value === "" ? null : Number(event.target.value);
    render();
  }
});

const KEYS = {
  o: () => go("#/"),
  h: () => go("#/history"),
  s: () => go("#/system"),
  f: () => actions.filter({ value: store.filter === "all" ? "enforcement" : "all" }),
  t: actions.theme,
  m: actions.sound,
  P: actions.panic,
  "?": actions.help,
};

function go(hash) {
  location.hash = hash;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const isDialogOpen = document.querySelector("dialog[open]") !== null;
  if (isDialogOpen || event.target.closest("input, select, textarea")) return;
  const drawn = event.target.closest("g[data-do]");
  if (drawn && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    act(drawn);
    return;
  }
  if (/^[1-9]$/.test(event.key)) {
    const account = store.picture?.accounts[Number(event.key) - 1];
    if (account) go(`#/account/${account.id}`);
    return;
  }
  KEYS[event.key]?.();
  render();
});

function routeFrom(hash) {
  const [screenName, id] = hash.replace(/^#\//, "").split("/");
  if (screenName === "account") return { screen: "account", id: Number(id) };
  if (screenName === "history" || screenName === "system") return { screen: screenName, id: null };
  return { screen: "overview", id: null };
}

function navigate() {
  store.route = routeFrom(location.hash);
  window.scrollTo(0, 0);
  refresh();
  render();
}

window.addEventListener("hashchange", navigate);
document.addEventListener("visibilitychange", render);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);

let topologyAskedAt = 0;
setInterval(() => {
  const every = store.route.screen === "system" ? TOPOLOGY_EVERY_MS : TOPOLOGY_ELSEWHERE_EVERY_MS;
  if (isOld(store.link) || Date.now() - topologyAskedAt < every) return;
  topologyAskedAt = Date.now();
  loadTopology();
}, 250);
setInterval(loadCurve, CURVE_EVERY_MS);
setInterval(loadHistory, HISTORY_EVERY_MS);
setInterval(render, 1000); // Countdowns and ages go on between pictures.

store.link.start();
navigate();
