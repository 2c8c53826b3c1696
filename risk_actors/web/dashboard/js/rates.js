// Message rates from the differences of counters. Pure.

const KEPT = 60;
const SHORTEST_MS = 900; // What is counted in less says nothing of a second.

/** Rates by actor id, with the latest ones for a small curve. */
export class Rates {
  constructor() {
    this.last = new Map();
    this.rates = new Map();
  }

  /** Take the counters of now; a counter that fell began anew with its actor. */
  take(topology, nowMs) {
    const seen = new Map();
    for (const actor of topology.actors) {
      if (typeof actor.handled !== "number") continue;
      const before = this.last.get(actor.id);
      if (before && nowMs - before.atMs < SHORTEST_MS) {
        seen.set(actor.id, before);
        continue;
      }
      seen.set(actor.id, { handled: actor.handled, atMs: nowMs });
      if (!before) continue;
      const rate = ((actor.handled < before.handled ? actor.handled : actor.handled - before.handled) * 1000) / (nowMs - before.atMs);
      const kept = this.rates.get(actor.id) ?? [];
      kept.push(rate);
      if (kept.length > KEPT) kept.shift();
      this.rates.set(actor.id, kept);
    }
    this.last = seen;
  }

  /** The latest rate of an actor in messages a second; null while it is not known. */
  of(id) {
    return this.rates.get(id)?.at(-1) ?? null;
  }

  /** The latest rates of an actor, oldest first. */
  curve(id) {
    return this.rates.get(id) ?? [];
  }
}
