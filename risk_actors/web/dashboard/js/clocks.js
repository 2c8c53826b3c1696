// How far the guard's clock is ahead of this machine's, from the instants that it tells. Pure.
//
// What arrives was written before, and what answers a request was written after the request: both
// bound the difference. Clocks that may agree by what is known are taken to agree, so that a line
// that is slow from the start is seen to be slow.

const DRIFT = 0.0002; // Two clocks that nobody sets part by less than this share of the time.

export class Clocks {
  constructor() {
    this.leastMs = -Infinity;
    this.mostMs = Infinity;
    this.takenAt = null;
    this.isStale = false;
  }

  /** Begin anew with what is told next: a clock was set, or another guard answers. */
  forget() {
    this.isStale = true;
  }

  /** Milliseconds that the guard's clock is ahead; 0 while the clocks may agree. */
  get aheadMs() {
    return Math.max(this.leastMs, Math.min(0, this.mostMs));
  }

  /** Take an instant of the guard: when it was heard, and when asked for where it was. Times that
   * have whole seconds only, as those of the header Date, may be up to `roundedMs` later. */
  take(toldMs, heardAt, { askedAt = null, roundedMs = 0 } = {}) {
    const widerMs = this.takenAt === null ? 0 : Math.abs(heardAt - this.takenAt) * DRIFT;
    this.takenAt = heardAt;
    const least = toldMs - heardAt;
    const most = askedAt === null ? Infinity : toldMs + roundedMs - askedAt;
    const isOther = this.isStale || least > this.mostMs + widerMs || most < this.leastMs - widerMs;
    this.isStale = false;
    this.leastMs = isOther ? least : Math.max(this.leastMs - widerMs, least);
    this.mostMs = isOther ? most : Math.min(this.mostMs + widerMs, most);
  }
}
