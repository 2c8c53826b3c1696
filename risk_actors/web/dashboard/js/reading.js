// Reads an answer piece by piece, so that a slow line is told from one on which nothing comes.

/** Nothing came for too long. */
export class Stalled extends Error {}

/** Ask `path`; `onHead` is given the answer before its body, `onText` each piece of the body with the
 * answer. Ends with the answer; `stop` ends it early.
 *
 * Throws Stalled when nothing comes for `stallMs`, else what fetch throws. */
export async function read(path, { onHead = () => {}, onText, stallMs, stop = new AbortController() }) {
  let isStalled = false;
  let timer = null;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isStalled = true;
      stop.abort();
    }, stallMs);
  };
  wait();
  try {
    const answer = await fetch(path, { signal: stop.signal, cache: "no-store", redirect: "manual" });
    onHead(answer);
    if (answer.body === null) return answer;
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      wait();
      const { done, value } = await reader.read();
      if (done) return answer;
      onText(decoder.decode(value, { stream: true }), answer);
    }
  } catch (error) {
    // A browser may call the end of the body "aborted by the user"; only we know why it was.
    throw isStalled ? new Stalled() : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Puts the pieces of an event stream together again. */
export class Events {
  #rest = "";

  /** Take a piece; returns the events it completes: [{name, data}]. A comment is none. */
  take(text) {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop();
    return blocks.map(eventOf).filter((event) => event.data !== "");
  }
}

function eventOf(block) {
  const event = { name: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (field === "event") event.name = value;
    if (field === "data") event.data += value;
  }
  return event;
}
