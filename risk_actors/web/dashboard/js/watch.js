// What changed from one picture to the next that must be heard or said aloud. Pure.

import { accountState, guardState } from "./words.js";

/** The changes worth saying: [{text, isUrgent, tune}]; nothing for the first picture. */
export function changes(before, now) {
  if (!before) return [];
  const told = [];
  const was = guardState(before);
  const is = guardState(now);
  if (was.key !== is.key) {
    const isUrgent = is.key !== "armed" && is.key !== "starting";
    told.push({ text: `Guard: ${is.word}. ${is.text}`, isUrgent, tune: isUrgent ? "lost" : null });
  }
  const old = new Map(before.accounts.map((account) => [account.id, account]));
  for (const account of now.accounts) {
    const earlier = old.get(account.id);
    if (!earlier) continue;
    const known = new Set(earlier.locks.map((lock) => lock.id));
    const fresh = account.locks.find((lock) => !known.has(lock.id));
    const word = accountState(account, now.armed).word;
    if (fresh) {
      told.push({ text: `${account.name}: ${word} by ${fresh.rule}. ${fresh.reason}`, isUrgent: true, tune: "lock" });
    } else if (word !== accountState(earlier, before.armed).word) {
      told.push({ text: `${account.name}: ${word}`, isUrgent: word !== "OPEN", tune: null });
    }
  }
  const key = (rule) => `${rule.id}|${rule.account}`;
  const verdicts = new Map(before.rules.map((rule) => [key(rule), rule.verdict]));
  for (const rule of now.rules) {
    const earlier = verdicts.get(key(rule));
    if (earlier === undefined || earlier === rule.verdict) continue;
    const name = now.accounts.find((account) => account.id === rule.account)?.name ?? rule.account;
    if (rule.verdict === "breach") told.push({ text: `${name}: ${rule.id} breached`, isUrgent: true, tune: "breach" });
    if (rule.verdict === "warning") told.push({ text: `${name}: ${rule.id} warns`, isUrgent: false, tune: null });
  }
  return told;
}
