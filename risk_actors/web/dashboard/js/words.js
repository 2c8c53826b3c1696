// What the picture means, in the words of the command line. Pure: the page only lays it out.
// Each state has a word and a sign of its own, so that colour is never the only signal.

import { clockOf, duration, isNumber, plain, secondsUntil, usd } from "./format.js";

export const VERDICT_SIGNS = { ok: "\u2713", warning: "!", breach: "\u2717", unknown: "?" };
const SINGULAR = { contracts: "contract", trades: "trade", entries: "entry", losses: "loss" };
const URGENCY = { breach: 0, unknown: 1, warning: 2, ok: 3 };

const GUARD = {
  blind: ["CANNOT ACT", "blind", "\u2298"],
  shadow: ["SHADOW", "shadow", "\u25D0"],
  faulted: ["FAULTED", "fault", "\u2717"],
  degraded: ["DEGRADED", "degraded", "\u25B2"],
  starting: ["STARTING", "starting", "\u2026"],
  stopping: ["STOPPING", "starting", "\u25A0"],
  armed: ["ARMED", "armed", "\u2713"],
};

/** How the guard fares: {word, tone, sign, text}; the first that applies of what is worst. */
export function guardState(picture) {
  const accounts = picture.accounts.length;
  const whom = accounts === 1 ? "one account" : `${accounts} accounts`;
  const why = picture.detail ? sentence(picture.detail) : "";
  const sign = (key, text) => {
    const [word, tone, mark] = GUARD[key];
    return { key, word, tone, sign: mark, text };
  };
  if (picture.connection.is_blind) {
    return sign("blind", why || "Nothing can be seen or closed now; use your platform.");
  }
  if (picture.phase === "faulted") return sign("faulted", why || "Something in the guard failed.");
  if (!picture.armed) {
    const told = "Nothing is sent: rules and locks only watch and record.";
    return sign("shadow", picture.phase === "armed" ? told : `${told} ${why}`.trim());
  }
  if (picture.phase === "degraded") return sign("degraded", why || "Part of the guard is down.");
  if (picture.phase === "starting") return sign("starting", why || "Not guarding yet.");
  if (picture.phase === "stopping") return sign("stopping", why || "The guard is ending.");
  return sign("armed", `Breaches are enforced on ${whom}.`);
}

/** What the account may do: {word, tone, sign}. */
export function accountState(account, armed) {
  const isLocked = account.locks.some((lock) => lock.scope === "account");
  const as = (word, tone, sign) => ({ word, tone, sign });
  if (account.seen_at !== null) {
    return isLocked && armed
      ? as("LOCKED, NOT SEEN", "locked", "\u25A0")
      : as("NOT SEEN", "unknown", "?");
  }
  if (account.locks.length && !armed) return as("WOULD BE LOCKED", "shadow", "\u25A1");
  if (account.enforcement !== null) return as("ENFORCING", "enforcing", "\u25B6");
  if (isLocked) return as("LOCKED", "locked", "\u25A0");
  if (account.locks.length) return as("PARTLY LOCKED", "locked", "\u25A0");
  if (account.can_trade === null) return as("UNKNOWN", "unknown", "?");
  return account.can_trade ? as("OPEN", "armed", "\u2713") : as("BARRED BY BROKER", "locked", "\u2298");
}

/** The same state as one of then, for when nobody can say how it is now. */
export function past(state) {
  return { ...state, word: `WAS ${state.word}`, tone: "unknown", sign: "?" };
}

/** The lock that counts most: of the whole account first, then the one that ends last. */
export function mainLock(account) {
  const rank = (lock) => [lock.scope === "account" ? 0 : 1, lock.until === null ? 0 : 1];
  return [...account.locks].sort((a, b) => {
    const [aScope, aEnd] = rank(a);
    const [bScope, bEnd] = rank(b);
    return aScope - bScope || aEnd - bEnd || String(b.until).localeCompare(String(a.until));
  })[0];
}

/** "account" or the contract's symbol. */
export function lockScope(lock) {
  return lock.scope === "account" ? "account" : symbolOf(lock.scope);
}

/** The symbol in a contract id: CON.F.US.MNQ.Z26 is MNQ. */
export function symbolOf(contract) {
  const parts = String(contract).split(".");
  return parts.length >= 5 ? parts[3] : String(contract);
}

/** A value, limit or distance in the rule's own unit. */
export function figure(rule, value) {
  if (!isNumber(value)) return rule.verdict === "unknown" ? "unknown" : "\u2013";
  if (rule.unit === "seconds") return duration(value);
  return rule.unit === "usd" ? usd(value) : plain(value);
}

/** How far the rule is from breaking: "$200.00 left", "2 contracts left"; empty without a figure. */
export function room(rule) {
  if (!isNumber(rule.distance)) return "";
  if (rule.verdict === "breach") return "reached";
  if (rule.unit === "usd") return `${usd(rule.distance)} left`;
  if (rule.unit === "seconds") return `${duration(rule.distance)} left`;
  const noun = rule.distance === 1 ? (SINGULAR[rule.unit] ?? rule.unit) : rule.unit;
  return `${plain(rule.distance)} ${noun} left`;
}

/** What there is to say about a rule beside its figures; empty where nothing is. */
export function remark(rule, zone, nowMs) {
  const told = [];
  if (rule.broken_at) {
    const at = clockOf(rule.broken_at, zone, nowMs);
    told.push(`Reached at ${at} (${figure(rule, rule.broken_value)}), inside again since`);
  }
  if (rule.is_waived) told.push(waiver(rule, zone, nowMs));
  if (rule.reason && (rule.verdict !== "ok" || !isNumber(rule.limit))) told.push(rule.reason);
  else if (!isNumber(rule.limit) && rule.verdict === "ok") told.push("Nothing to measure now");
  return told.map(capital).join(". ");
}

/** What a rule still does after an unlock waived what it had found. */
export function waiver(rule, zone, nowMs) {
  return rule.next_cause
    ? `Ended by an unlock: does not protect before ${clockOf(rule.next_cause, zone, nowMs)}`
    : "Ended by an unlock: what it had found is not enforced again";
}

/** The rules of an account, the nearest to breaking first. */
export function rulesOf(picture, account) {
  return picture.rules
    .filter((rule) => rule.account === account.id)
    .sort((a, b) => {
      const urgency = urgencyOf(a) - urgencyOf(b);
      return urgency || (b.used ?? -1) - (a.used ?? -1) || a.id.localeCompare(b.id);
    });
}

function urgencyOf(rule) {
  const urgency = URGENCY[rule.verdict] ?? 1;
  return rule.is_waived ? Math.min(urgency, URGENCY.warning) : urgency;
}

/** The rule of a type on an account that is nearest to breaking; undefined where there is none. */
export function nearest(rules, type) {
  const distance = (rule) => (isNumber(rule.distance) ? rule.distance : Infinity);
  return rules
    .filter((rule) => rule.type === type)
    .sort((a, b) => Number(a.mode !== "enforce") - Number(b.mode !== "enforce") || distance(a) - distance(b))[0];
}

/** Seconds until a lock ends, and that in words. */
export function lockEnd(lock, zone, nowMs) {
  if (lock.until === null) return { left: null, until: "until its condition ends" };
  const left = secondsUntil(lock.until, nowMs);
  return {
    left: left === null ? "unknown" : left <= 0 ? "ending" : duration(Math.ceil(left)),
    until: `until ${clockOf(lock.until, zone, nowMs)}`,
  };
}

/** What is safe to add now: [{text, sub, tone}], and a note where nothing is known. */
export function safeSizes(account, zone, nowMs) {
  const headroom = account.headroom;
  if (account.seen_at !== null) {
    const at = clockOf(account.seen_at, zone, nowMs);
    return { sizes: [], note: `None: what is open is not known since ${at}` };
  }
  if (headroom === null) return { sizes: [], note: "Unknown: the account was not read yet" };
  const note = headroom.unknown
    ? `Unknown: ${headroom.unknown}`
    : headroom.sizes.length
      ? ""
      : "No instrument seen yet today";
  return { sizes: headroom.sizes, note };
}

/** Of when the sums over accounts are, where not all is seen now; empty where it is. */
export function sumsNote({ accounts }, zone, nowMs) {
  const unseen = accounts.filter((account) => account.seen_at !== null);
  if (!unseen.length) return "";
  const at = clockOf(unseen.map((account) => account.seen_at).sort()[0], zone, nowMs);
  return unseen.length === accounts.length
    ? `As last seen at ${at}`
    : `${unseen.length} of ${accounts.length} accounts not seen: as of ${at}`;
}

/** Words as a sentence, with its capital and its full stop. */
function sentence(text) {
  const begun = capital(text.trim());
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** A sentence's first letter as a capital. */
export function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}

/** "amount gained", "lost", flat or unknown, as a class of colour. */
export function amountTone(amount) {
  if (!isNumber(amount)) return "unknown";
  return amount > 0 ? "gain" : amount < 0 ? "loss" : "flat";
}
