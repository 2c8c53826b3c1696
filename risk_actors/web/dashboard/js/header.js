// The top of the page: how the guard fares, in the largest letters, and what stands in the way.

import { h } from "./dom.js";
import { age, clock, clockOf, zoneName } from "./format.js";
import { isOld } from "./link.js";
import { badge, button } from "./parts.js";
import { soundState } from "./sound.js";
import { accountState, guardState, lockEnd, mainLock, past, waiver } from "./words.js";

const OLD_WORDS = {
  lost: { band: "NO ANSWER FROM THE GUARD", title: "NO ANSWER" },
  login: { band: "NOT LOGGED IN", title: "NOT LOGGED IN" },
  late: { band: "OLD FIGURES", title: "OLD FIGURES" },
};
const SOUND = { off: "Sound off", on: "Sound on", waiting: "Sound: click once" };

/** The bar at the top with the navigation. */
export function header(store) {
  const { picture, link } = store;
  const zone = store.zone;
  const now = link.now();
  const state = picture ? guardState(picture) : null;
  return [
    h(
      "div",
      { class: "top-row" },
      h("a", { class: "brand", href: "#/", "aria-label": "risk_actors, overview" }, "risk_actors"),
      picture ? h("span", { class: `mode mode-${picture.mode}` }, picture.mode.toUpperCase()) : null,
      state && !isOld(link) ? badge(state, "badge-top") : null,
      lockedCount(store),
      h("span", { class: "spring" }),
      picture ? ways(store) : null,
      h(
        "time",
        { class: "clock", title: `Times are those of ${zone}` },
        clock(now, zone),
        h("span", { class: "clock-zone" }, zoneName(now, zone)),
      ),
      h(
        "div",
        { class: "tools" },
        button(SOUND[soundState()], "sound", {
          kind: "button-quiet",
          title: "A sound for breach, lock and a guard that does not answer (m)",
          "aria-pressed": soundState() === "off" ? "false" : "true",
        }),
        button(window.riskActorsTheme.isDark() ? "Light" : "Dark", "theme", {
          kind: "button-quiet",
          title: "Light or dark (t)",
        }),
        button("?", "help", { kind: "button-quiet", title: "Keys (?)", "aria-label": "Keys and help" }),
      ),
      button("Panic", "panic", {
        kind: "button-panic",
        title: "Flatten and lock until the reset (Shift+P)",
        "aria-haspopup": "dialog",
      }),
    ),
    navigation(store),
  ];
}

function lockedCount({ picture, link }) {
  if (!picture || isOld(link)) return null;
  const locked = picture.accounts.filter((account) => account.locks.length).length;
  if (!locked) return null;
  const all = picture.accounts.length;
  const word = picture.armed ? "LOCKED" : "WOULD BE LOCKED";
  const tone = picture.armed ? "locked" : "shadow";
  return badge({ word: all > 1 ? `${word} ${locked} OF ${all}` : word, tone, sign: "\u25A0" }, "badge-top");
}

function ways({ picture, link }) {
  const { user_hub: user, market_hub: market, rest } = picture.connection;
  const isKnown = !isOld(link);
  const way = (name, isUp) => {
    const word = !isKnown ? "unknown" : isUp ? "up" : "down";
    return h(
      "span",
      { class: `way way-${word}`, title: `${name}: ${word}` },
      h("span", { "aria-hidden": "true" }, !isKnown ? "?" : isUp ? "\u2713" : "\u2717"),
      h("span", { class: "way-name" }, name),
      h("span", { class: "sr" }, word),
    );
  };
  return h(
    "span",
    { class: "ways", role: "group", "aria-label": "Connection to the broker" },
    way("user", user),
    way("market", market),
    way("REST", rest),
  );
}

function navigation({ picture, route, link }) {
  const tab = (href, text, isHere, sign = null) =>
    h(
      "a",
      { class: "tab", href, "aria-current": isHere ? "page" : null },
      sign ? h("span", { class: `tab-sign tone-text-${sign.tone}`, title: sign.word }, sign.sign) : null,
      text,
    );
  return h(
    "nav",
    { class: "tabs", "aria-label": "Screens" },
    tab("#/", "Overview", route.screen === "overview"),
    (picture?.accounts ?? []).map((account) =>
      tab(
        `#/account/${account.id}`,
        account.name,
        route.screen === "account" && route.id === account.id,
        isOld(link) ? past(accountState(account, picture.armed)) : accountState(account, picture.armed),
      ),
    ),
    tab("#/history", "History", route.screen === "history"),
    tab("#/system", "System", route.screen === "system"),
  );
}

/** The bands under the bar: no answer, cannot act, degraded, locks, notices. */
export function alarms(store) {
  const { picture, link } = store;
  const bands = [];
  if (isOld(link)) bands.push(oldBand(store));
  if (!picture) return bands;
  if (store.restartedAt !== null) bands.push(restartBand(store));
  if (link.kind === "polling") {
    bands.push(band("quiet", "Slower", [link.isCrowded ? "This page is live in other windows already; this one asks every second." : "The live stream is down; asking every second instead."]));
  }
  if (!isOld(link) && store.viewLagS > 5) {
    const told = `What is shown is ${age(store.viewLagS)} behind: the guard's own view is late.`;
    bands.push(band("degraded", "Behind", [told]));
  }
  const state = guardState(picture);
  if (isOld(link)) return bands;
  // The overview says it in larger letters.
  if (state.key !== "armed" && store.route.screen !== "overview") {
    bands.push(band(state.tone, state.word, [state.key === "blind" ? state.text : `${state.text}${downSince(store)}`], state.key === "blind"));
  }
  for (const account of picture.accounts) {
    const lock = mainLock(account);
    if (lock) bands.push(lockBand(store, account, lock));
  }
  for (const rule of picture.rules.filter((each) => each.is_waived)) {
    const name = picture.accounts.find((account) => account.id === rule.account)?.name ?? rule.account;
    bands.push(band("degraded", "Unlocked", [`${name}, ${rule.id}: ${waiver(rule, store.zone, link.now())}.`]));
  }
  if (picture.settings_fault) bands.push(band("fault", "Settings", [picture.settings_fault]));
  for (const notice of picture.notices) bands.push(band("fault", "Notice", [notice]));
  if (picture.pending.length) {
    bands.push(band("quiet", "Pending", [`At the daily reset: ${picture.pending.join("; ")}`]));
  }
  return bands;
}

/** Since when part of the connection is down, as a sentence; empty while all is up. */
export function downSince({ picture, link, zone }) {
  const { since } = picture.connection;
  return since ? ` Down since ${clockOf(since, zone, link.now())}.` : "";
}

function band(tone, word, body, isLarge = false) {
  return h(
    "div",
    { class: `band band-${tone} ${isLarge ? "band-large" : ""}`, data: { key: `band-${word}-${body[0]}`.slice(0, 90) } },
    h("strong", { class: "band-word" }, word),
    h("span", { class: "band-text" }, ...body),
  );
}

function oldBand(store) {
  const { link, picture, zone } = store;
  const at = link.toldMs;
  const lines = [];
  if (picture && at !== null) {
    lines.push(`Everything below is as of ${clock(at, zone, link.now())} ${zoneName(at, zone)}: `);
    lines.push(h("strong", {}, `${age((link.now() - at) / 1000)} old`));
    lines.push(". Trading may go on unseen; look at the broker's platform. ");
  } else if (link.kind === "lost") {
    lines.push("It may not be running: start it with ", h("code", {}, "risk-actors run"), ". ");
  }
  if (link.kind === "login") {
    lines.push("The guard asks for its token: ", h("a", { class: "link", href: "/login" }, "Log in"));
  } else if (link.kind === "late") {
    lines.push("The guard answers, but nothing newer has come whole: the line is slow, or the guard tells nothing.");
  } else {
    lines.push(`Trying again … ${link.fault ? `(${link.fault})` : ""}`);
  }
  return h(
    "div",
    { class: "band band-lost", data: { key: "lost" } },
    h("strong", { class: "band-word" }, OLD_WORDS[link.kind].band),
    h("span", { class: "band-text" }, ...lines),
  );
}

function restartBand({ restartedAt, zone, link }) {
  const at = `${clock(restartedAt, zone, link.now())} ${zoneName(restartedAt, zone)}`;
  return band("degraded", "Restarted", [
    `Another run of the guard answers since ${at}: it was started anew, or it is another guard. What the earlier one told is no longer shown. `,
    button("Seen", "seenRestart", { kind: "button-small" }),
  ]);
}

function lockBand({ picture, link, zone, route }, account, lock) {
  if (route.screen === "account" && route.id === account.id) return null;
  if (route.screen === "overview") return null;
  const end = lockEnd(lock, zone, link.now());
  const word = picture.armed ? "LOCKED" : "WOULD BE LOCKED";
  return h(
    "a",
    { class: "band band-locked", href: `#/account/${account.id}`, data: { key: `lock-${account.id}` } },
    h("strong", { class: "band-word" }, `\u25A0 ${word}`),
    h("span", { class: "band-text" }, `${account.name} ${end.until} `, h("b", { class: "num" }, end.left ?? "")),
  );
}

/** What the document's title says: state and the day's sum, for a tab in the background. */
export function titleOf({ picture, link }) {
  if (isOld(link)) return `\u26A0 ${OLD_WORDS[link.kind].title} · risk_actors`;
  if (!picture) return "risk_actors";
  const state = guardState(picture);
  const isLocked = picture.armed && picture.accounts.some((account) => account.locks.length);
  const word = !isLocked ? `${state.sign} ${state.word}` : state.key === "armed" ? "\u25A0 LOCKED" : `${state.sign} ${state.word}, LOCKED`;
  return `${word} · risk_actors`;
}

/** The name of the icon that goes with it. */
export function iconOf({ picture, link }) {
  if (isOld(link)) return link.kind === "lost" ? "locked" : "warning";
  if (!picture) return "unknown";
  const { key } = guardState(picture);
  if (key === "blind" || key === "faulted") return "locked";
  if (picture.armed && picture.accounts.some((account) => account.locks.length)) return "locked";
  return key === "armed" ? "armed" : "warning";
}

/** The last line of the page. */
export function footer({ picture, link }) {
  const how = { live: "live", polling: "asked every second", late: "behind", lost: "no answer", connecting: "connecting", login: "not logged in" };
  return [
    h("span", {}, `risk_actors ${picture?.version ?? ""}`),
    h("span", {}, how[link.kind]),
    h("span", {}, picture ? `Times in ${picture.timezone}` : ""),
  ];
}

/** The sum over accounts, unknown as soon as one is. */
export function sumOf(picture, pick) {
  let sum = 0;
  for (const account of picture.accounts) {
    const each = pick(account);
    if (typeof each !== "number") return null;
    sum += each;
  }
  return sum;
}
