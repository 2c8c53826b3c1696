// The way to the daemon: Server-Sent Events, made again when they end; polling meanwhile. A quiet
// stream is asked whether anybody is there, so that old figures never pass for present ones.

const QUIET_MS = 2500; // A stream that said nothing for so long is checked by asking.
const ASK_TIMEOUT_MS = 3000;
const SEND_TIMEOUT_MS = 5000;
const POLL_EVERY_MS = 1000;
const LOST_AFTER_MS = 4000;
const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
const MOST_STREAMS = 4; // Of all windows together: browsers open six connections to a host, and Panic needs one.
const SKEW_THAT_COUNTS_MS = 2000; // The Date header is whole seconds only.

const NO_ANSWER = "No answer: it may or may not have been taken. Look at your platform, and close there if need be.";

/** Whether what is shown is of earlier: nobody answers, or the guard tells this page nothing. */
export function isOld({ kind }) {
  return kind === "lost" || kind === "login";
}

/** Whether nothing was heard for too long; to be asked for the token is to be answered. */
export function isSilent({ kind, startedAt, answeredAt, refusedAt }, now) {
  const last = Math.max(startedAt, answeredAt ?? 0, kind === "login" ? (refusedAt ?? 0) : 0);
  return now - last >= LOST_AFTER_MS;
}

/** What is known of the connection: `kind` is connecting, live, polling, lost or login. */
export class Link {
  constructor({ onState, onChange }) {
    this.onState = onState;
    this.onChange = onChange;
    this.kind = "connecting";
    this.startedAt = Date.now();
    this.answeredAt = null;
    this.refusedAt = null;
    this.fault = "";
    this.skewMs = 0;
    this.stream = null;
    this.heardAt = 0;
    this.retryMs = SHORTEST_RETRY_MS;
    this.retryAt = 0;
    this.askedAt = 0;
    this.isAsking = false;
    this.isEntering = false;
    this.isCrowded = false;
    this.leave = null;
  }

  start() {
    this.#listen();
    this.#ask();
    // A page that is only kept for the way back must not keep its connection too.
    addEventListener("pagehide", () => this.#hangUp());
    setInterval(() => this.#look(), 250);
  }

  /** The daemon's present: this machine's clock, corrected where the two differ. */
  now() {
    return Date.now() + this.skewMs;
  }

  /** The daemon's time that what is shown is of: now, or when it last told of itself. */
  asOf() {
    return isOld(this) && this.answeredAt !== null ? this.answeredAt + this.skewMs : this.now();
  }

  #look() {
    const now = Date.now();
    if (this.stream === null && now >= this.retryAt) this.#listen();
    const isQuiet = now - Math.max(this.heardAt, this.answeredAt ?? 0) >= QUIET_MS;
    const mayAsk = now - this.askedAt >= POLL_EVERY_MS;
    const streams = this.stream !== null && this.stream.readyState === EventSource.OPEN;
    if (!this.isAsking && mayAsk && (isQuiet || !streams)) this.#ask();
    if (isSilent(this, now)) this.#become("lost");
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
    this.stream?.close();
    this.stream = null;
    this.leave?.();
    this.leave = null;
  }

  #open() {
    const stream = new EventSource("/api/events");
    this.stream = stream;
    stream.onmessage = (event) => {
      this.heardAt = Date.now();
      this.retryMs = SHORTEST_RETRY_MS;
      this.#take(event.data, "live");
    };
    stream.onerror = () => {
      stream.close();
      if (this.stream !== stream) return;
      this.stream = null;
      this.retryAt = Date.now() + this.retryMs;
      this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
      if (!this.isAsking) this.#ask();
    };
  }

  async #ask() {
    this.isAsking = true;
    this.askedAt = Date.now();
    try {
      const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
      const answer = await fetch("/api/state", { signal, cache: "no-store" });
      this.#measureSkew(answer);
      if (answer.status === 401) {
        this.refusedAt = Date.now();
        this.#become("login");
        return;
      }
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      const streams = this.stream !== null && this.stream.readyState === EventSource.OPEN;
      this.#take(await answer.text(), streams ? "live" : "polling");
    } catch (error) {
      this.fault = error.name === "TimeoutError" ? "no answer in time" : error instanceof TypeError ? "nothing listens" : error.message;
      const isRefused = error instanceof TypeError;
      const streams = this.stream !== null && this.stream.readyState === EventSource.OPEN;
      if (isRefused && !streams) this.#become("lost");
    } finally {
      this.isAsking = false;
    }
  }

  #take(text, kind) {
    let picture;
    try {
      picture = JSON.parse(text);
    } catch {
      this.fault = "its answer is not understood";
      return;
    }
    this.answeredAt = Date.now();
    this.fault = "";
    this.#become(kind);
    this.onState(picture);
  }

  #become(kind) {
    if (this.kind === kind) return;
    this.kind = kind;
    this.onChange();
  }

  #measureSkew(answer) {
    const told = Date.parse(answer.headers.get("Date") ?? "");
    if (Number.isNaN(told)) return;
    const skew = told + 500 - Date.now();
    this.skewMs = Math.abs(skew) > SKEW_THAT_COUNTS_MS ? skew : 0;
  }
}

/** Take one of the few places for a stream; returns what gives it back, null when all are taken. */
async function streamPlace() {
  // Only this machine's own address is safe enough for browsers to have locks.
  if (!navigator.locks) return () => {};
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
  try {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS * 3);
    const answer = await fetch(path, { signal, cache: "no-store" });
    if (answer.status === 404) return { missing: true };
    const data = await answer.json();
    return answer.ok ? { data } : { fault: data.error ?? `it answers ${answer.status}` };
  } catch (error) {
    return { fault: error.name === "TimeoutError" ? "no answer in time" : "no answer" };
  }
}

/** Send JSON; returns {sentence} or {fault}, after `timeoutMs` at the latest. */
export async function send(path, body, timeoutMs = SEND_TIMEOUT_MS) {
  const stopper = new AbortController();
  const timer = setTimeout(() => stopper.abort(), timeoutMs);
  try {
    const answer = await fetch(path, {
      method: "POST",
      signal: stopper.signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return { sentence: said.sentence ?? "accepted" };
    return { fault: said.error ?? `it answers ${answer.status}` };
  } catch {
    if (stopper.signal.aborted) return { fault: NO_ANSWER };
    return { fault: "The guard did not answer. Close positions on the broker's platform." };
  } finally {
    clearTimeout(timer);
  }
}
