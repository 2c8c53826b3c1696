// The way to the daemon: Server-Sent Events, made again when they end; asking meanwhile. What is
// shown is as old as the guard's own clock says, however lately it arrived, and a piece of a state
// is no news: old figures never pass for present ones, and on a slow line neither for lost ones.

import { Clocks } from "./clocks.js";
import { isNumber } from "./format.js";
import { Events, read, Stalled } from "./reading.js";

const QUIET_MS = 2500; // A stream that said nothing for so long is checked by asking.
const STALL_MS = 5000;
const STREAM_STALL_MS = 20_000;
const SEND_TIMEOUT_MS = 5000;
const POLL_EVERY_MS = 1000;
const OLD_AFTER_MS = 4000;
const PRESENT_WITHIN_MS = 3000; // What was old is present again only by a clear margin.
const BEHIND_MS = 8000; // A stream that is so far behind has a queue; asking has none.
const DOUBT_EVERY_MS = 15_000;
const WITHOUT_STREAM_MS = 30_000;
const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
const MOST_STREAMS = 4; // Of all windows together: browsers open six connections to a host, and Panic needs one.
const SKEW_THAT_COUNTS_MS = 2000;
const CLOCK_JUMP_MS = 1000;

const NO_ANSWER = "No answer: it may or may not have been taken. Look at your platform, and close there if need be.";
const NOT_THE_GUARD = "What answered is not the guard: it may or may not have been taken. Look at your platform, and close there if need be.";

/** Whether what is shown is of earlier: nobody answers, the guard tells this page nothing, or what
 * it tells arrives late. */
export function isOld({ kind }) {
  return kind === "lost" || kind === "login" || kind === "late";
}

/** Whether nothing present was told for too long; to be asked for the token is to be answered. */
export function isSilent({ kind, startedAt, answeredAt, refusedAt }, now) {
  const last = Math.max(startedAt, answeredAt ?? 0, kind === "login" ? (refusedAt ?? 0) : 0);
  return now - last >= OLD_AFTER_MS;
}

/** What is known of the connection: `kind` is connecting, live, polling, late, lost or login. */
export class Link {
  constructor({ onState, onChange, base = "" }) {
    this.onState = onState;
    this.onChange = onChange;
    this.base = base;
    this.kind = "connecting";
    this.startedAt = Date.now();
    this.refusedAt = null;
    this.fault = "";
    this.clocks = new Clocks();
    this.toldMs = null; // By the guard's clock: of when what is shown is.
    this.latest = { stream: null, ask: null };
    this.run = null;
    this.bytes = 0; // Of the state that is on its way.
    this.heardAt = 0;
    this.stream = null;
    this.retryMs = SHORTEST_RETRY_MS;
    this.retryAt = 0;
    this.askedAt = 0;
    this.isAsking = false;
    this.isEntering = false;
    this.isCrowded = false;
    this.leave = null;
    this.clockGapMs = Date.now() - performance.now();
  }

  start() {
    this.#listen();
    // A page that is only kept for the way back must not keep its connection too.
    globalThis.addEventListener?.("pagehide", () => this.#hangUp());
    this.timer = setInterval(() => this.#look(), 250);
  }

  /** End it for good. */
  end() {
    clearInterval(this.timer);
    this.#hangUp();
  }

  /** The daemon's present: this machine's clock, corrected where the two differ. */
  now() {
    return Date.now() + this.clocks.aheadMs;
  }

  /** The daemon's time that what is shown is of: now, or when it last told of itself. */
  asOf() {
    return isOld(this) && this.toldMs !== null ? this.toldMs : this.now();
  }

  /** The same by this machine's clock; null while nothing was told. */
  get answeredAt() {
    return this.toldMs === null ? null : this.toldMs - this.clocks.aheadMs;
  }

  /** How far the guard's clock is ahead, where that is worth telling. */
  get skewMs() {
    const { aheadMs } = this.clocks;
    return Math.abs(aheadMs) > SKEW_THAT_COUNTS_MS ? aheadMs : 0;
  }

  #look() {
    const now = Date.now();
    const gapMs = now - performance.now();
    // This machine's clock was set, or it slept: what was learnt of the guard's holds no more.
    if (Math.abs(gapMs - this.clockGapMs) > CLOCK_JUMP_MS) this.clocks.forget();
    this.clockGapMs = gapMs;
    if (this.stream === null && now >= this.retryAt) this.#listen();
    const isQuiet = now - Math.max(this.heardAt, this.startedAt) >= QUIET_MS;
    const mayAsk = now - this.askedAt >= POLL_EVERY_MS;
    if (!this.isAsking && mayAsk && (isQuiet || !this.stream?.isOpen) && !this.#isNew(now)) this.#ask();
    if (isSilent(this, now)) this.#become(now - this.heardAt < OLD_AFTER_MS ? "late" : "lost");
  }

  /** Whether the page is so new that its stream may yet bring the first state by itself. */
  #isNew(now) {
    return this.stream !== null && this.askedAt === 0 && now - this.startedAt < POLL_EVERY_MS;
  }

  async #listen() {
    if (this.isEntering) return;
    this.isEntering = true;
    this.leave ??= await streamPlace();
    this.isEntering = false;
    this.isCrowded = this.leave === null;
    if (this.isCrowded) this.retryAt = Date.now() + LONGEST_RETRY_MS;
    else this.#open();
  }

  #hangUp() {
    this.#close();
    this.leave?.();
    this.leave = null;
  }

  #close() {
    const { stream } = this;
    this.stream = null;
    stream?.stop.abort();
  }

  async #open() {
    const stream = { stop: new AbortController(), isOpen: false };
    const events = new Events();
    const askedAt = Date.now();
    this.stream = stream;
    this.latest.stream = null;
    const onHead = (answer) => {
      stream.isOpen = answer.ok;
      this.#head(answer, askedAt);
    };
    const onText = (text, { ok }) => {
      if (this.stream !== stream || !ok) return;
      this.#heard(text);
      for (const event of events.take(text)) {
        this.retryMs = SHORTEST_RETRY_MS;
        this.bytes = 0;
        if (this.stream === stream) this.#take(event.data, { by: "stream", askedAt, isAlive: event.name === "alive" });
      }
    };
    try {
      await read(`${this.base}/api/events`, { onHead, onText, stallMs: STREAM_STALL_MS, stop: stream.stop });
    } catch {
      // Why it ended is found out by asking.
    }
    if (this.stream !== stream) return;
    this.stream = null;
    this.retryAt = Date.now() + this.retryMs;
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    if (!this.isAsking) this.#ask();
  }

  async #ask() {
    this.isAsking = true;
    const askedAt = Date.now();
    this.askedAt = askedAt;
    this.bytes = 0;
    let text = "";
    const onText = (piece, { ok }) => {
      if (ok) this.#heard(piece);
      text += piece;
    };
    try {
      const onHead = (answer) => this.#head(answer, askedAt);
      const answer = await read(`${this.base}/api/state`, { onHead, onText, stallMs: STALL_MS });
      if (answer.status === 401) {
        this.refusedAt = Date.now();
        this.#become("login");
      } else if (answer.ok) {
        this.#take(text, { by: "ask", askedAt });
      } else {
        this.fault = answer.status ? `it answers ${answer.status}` : "something else answers there";
      }
    } catch (error) {
      const isRefused = error instanceof TypeError && text === "";
      this.fault = error instanceof Stalled ? "no answer in time" : isRefused ? "nothing listens" : "the line broke";
      if (isRefused && !this.stream?.isOpen) this.#become("lost");
    } finally {
      this.isAsking = false;
      this.bytes = 0;
    }
  }

  #head(answer, askedAt) {
    if (!answer.ok) return;
    const now = Date.now();
    this.heardAt = now;
    const told = Date.parse(answer.headers.get("Date") ?? "");
    if (isNumber(told)) this.clocks.take(told, now, { askedAt, roundedMs: 1000 });
  }

  #heard(text) {
    this.heardAt = Date.now();
    this.bytes += text.length;
  }

  /** Take what came whole: a state, or that the last one still holds. */
  #take(text, { by, askedAt, isAlive = false }) {
    let said;
    try {
      said = JSON.parse(text);
    } catch {
      said = null;
    }
    if (!said || (!isAlive && !Array.isArray(said.accounts))) {
      this.fault = "its answer is not understood";
      return;
    }
    const isOtherRun = this.run !== null && said.run !== undefined && said.run !== this.run;
    if (isAlive && (isOtherRun || this.toldMs === null)) return;
    if (isOtherRun) this.#forget();
    this.run = said.run ?? this.run;
    const isNewest = this.#date(said.at, by, askedAt);
    this.fault = "";
    const ageMs = this.now() - this.toldMs;
    const isPresent = ageMs < (isOld(this) ? PRESENT_WITHIN_MS : OLD_AFTER_MS);
    this.#become(!isPresent ? "late" : this.stream?.isOpen ? "live" : "polling");
    if (isNewest && !isAlive) this.onState(said, { isOtherRun });
    if (by === "stream" && !isPresent) this.#doubt(ageMs, askedAt);
  }

  /** What the stream told is old: leave it where it has a queue; ask, in case a clock was set. */
  #doubt(ageMs, openedAt) {
    const now = Date.now();
    if (ageMs > BEHIND_MS) {
      this.#close();
      this.retryAt = now + WITHOUT_STREAM_MS;
    }
    if (!this.isAsking && now - Math.max(this.askedAt, openedAt) > DOUBT_EVERY_MS) this.#ask();
  }

  /** Note of when it is, by the guard's clock; return whether it is newer than what is shown. */
  #date(at, by, askedAt) {
    const now = Date.now();
    const told = Date.parse(at ?? "");
    const written = isNumber(told) ? told : now + this.clocks.aheadMs;
    // Each way tells in order: an earlier instant after a later one means that the clock was set.
    const wasSet = this.latest[by] !== null && written < this.latest[by];
    if (wasSet) this.clocks.forget();
    if (isNumber(told)) this.clocks.take(told, now, { askedAt });
    this.latest[by] = written;
    if (!wasSet && this.toldMs !== null && written < this.toldMs) return false;
    this.toldMs = written;
    return true;
  }

  /** Another run answers: nothing that the earlier one told counts, nor what is yet to come of it. */
  #forget() {
    this.clocks.forget();
    this.toldMs = null;
    this.latest = { stream: null, ask: null };
  }

  #become(kind) {
    if (this.kind === kind) return;
    this.kind = kind;
    this.onChange();
  }
}

/** Take one of the few places for a stream; returns what gives it back, null when all are taken. */
async function streamPlace() {
  // Only this machine's own address is safe enough for browsers to have locks.
  if (!globalThis.navigator?.locks) return () => {};
  for (let n = 0; n < MOST_STREAMS; n += 1) {
    const leave = await new Promise((resolve) => {
      const take = (place) => {
        if (place === null) return resolve(null);
        return new Promise((free) => resolve(free)); // It is held until `free` is called.
      };
      navigator.locks.request(`risk_actors.stream.${n}`, { ifAvailable: true }, take).catch(() => resolve(() => {}));
    });
    if (leave) return leave;
  }
  return null;
}

/** Ask for JSON; returns {data} or {missing: true} where it is not served, or {fault}. */
export async function ask(path) {
  let text = "";
  try {
    const onText = (piece) => {
      text += piece;
    };
    const answer = await read(path, { onText, stallMs: STALL_MS });
    if (answer.status === 404) return { missing: true };
    const data = JSON.parse(text);
    return answer.ok ? { data } : { fault: data.error ?? `it answers ${answer.status}` };
  } catch (error) {
    return { fault: error instanceof Stalled ? "no answer in time" : "no answer" };
  }
}

/** Send JSON; returns {sentence} or {fault}, after `timeoutMs` at the latest. */
export async function send(path, body, timeoutMs = SEND_TIMEOUT_MS) {
  const stopper = new AbortController();
  const timer = setTimeout(() => stopper.abort(), timeoutMs);
  try {
    const answer = await fetch(path, {
      method: "POST",
      redirect: "manual",
      signal: stopper.signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json().catch(() => null);
    if (stopper.signal.aborted) return { fault: NO_ANSWER };
    if (answer.ok && typeof said?.sentence === "string") return { sentence: said.sentence };
    return { fault: typeof said?.error === "string" && !answer.ok ? said.error : NOT_THE_GUARD };
  } catch {
    // Even a line that was refused at the end may have carried it.
    return { fault: NO_ANSWER };
  } finally {
    clearTimeout(timer);
  }
}
