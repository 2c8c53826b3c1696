// How amounts, times and lengths of time are written. Pure: no page, no clock, no settings.
// What is unknown (null) is written "unknown", never 0.

export const UNKNOWN = "unknown";
const MINUS = "\u2212";

/** Dollars and cents: "$1,234.50", "−$12.00"; with `signed` also "+$12.00". */
export function usd(amount, { signed = false, cents = true } = {}) {
  if (!isNumber(amount)) return UNKNOWN;
  const digits = cents ? 2 : 0;
  const text = Math.abs(amount).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const isZero = !/[1-9]/.test(text);
  if (isZero) return `$${text}`;
  return `${amount < 0 ? MINUS : signed ? "+" : ""}$${text}`;
}

/** A number without a unit: "5", "2.5". */
export function plain(value) {
  if (!isNumber(value)) return UNKNOWN;
  const text = Math.abs(value).toLocaleString("en-US", { maximumFractionDigits: 6 });
  return value < 0 ? MINUS + text : text;
}

/** A price with two decimals, or as many as it needs. */
export function price(points) {
  if (!isNumber(points)) return UNKNOWN;
  return points.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 8 });
}

/** The average of several prices, which is no price itself: no finer than it can matter. Instruments
 * that cost more have coarser ticks, and none here is finer than a quarter of one. */
export function averagePrice(points) {
  if (!isNumber(points)) return UNKNOWN;
  const size = Math.abs(points);
  const digits = size >= 1000 ? 2 : size >= 10 ? 4 : size >= 1 ? 5 : 7;
  return points.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: digits });
}

/** A length of time as a clock shows it: "0:04:30", "2d 6:28:53". */
export function duration(seconds) {
  if (!isNumber(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.trunc(seconds));
  const days = Math.floor(whole / 86400);
  const two = (n) => String(n).padStart(2, "0");
  const text = `${Math.floor((whole % 86400) / 3600)}:${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return days ? `${days}d ${text}` : text;
}

/** A length of time in a word or two: "45 s", "12 min", "3 h 05", "2 d 4 h". */
export function age(seconds) {
  if (!isNumber(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.trunc(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) {
    return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}`;
  }
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** A used fraction as a percentage; 100% and more only of a limit that is reached. */
export function share(used) {
  if (!isNumber(used)) return "";
  const percent = Math.round(used * 100);
  if (used < 1) return `${Math.min(percent, 99)}%`;
  return percent <= 999 ? `${percent}%` : ">999%";
}

/** Milliseconds since 1970 of an instant; null when it is none. */
export function instant(text) {
  if (!text) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** Seconds from `nowMs` until an instant; null when it is none. */
export function secondsUntil(text, nowMs) {
  const at = instant(text);
  return at === null ? null : (at - nowMs) / 1000;
}

const formatters = new Map();

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formatters.has(key)) {
    let made;
    try {
      made = new Intl.DateTimeFormat("en-US", { ...options, hourCycle: "h23", timeZone: zone });
    } catch {
      made = new Intl.DateTimeFormat("en-US", { ...options, hourCycle: "h23", timeZone: "UTC" });
    }
    formatters.set(key, made);
  }
  return formatters.get(key);
}

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const DATE = { year: "numeric", month: "2-digit", day: "2-digit" };

/** The time of day in a zone, with the weekday when it is another day's: "Sat 15:18:51". */
export function clock(ms, zone, nowMs = ms) {
  if (!isNumber(ms)) return UNKNOWN;
  const time = formatter(zone, TIME).format(ms);
  const isToday = formatter(zone, DATE).format(ms) === formatter(zone, DATE).format(nowMs);
  return isToday ? time : `${formatter(zone, { weekday: "short" }).format(ms)} ${time}`;
}

/** The zone's short name at an instant: "CST". */
export function zoneName(ms, zone) {
  const parts = formatter(zone, { timeZoneName: "short" }).formatToParts(ms);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** An instant's text as a time with its zone: "17:00:00 CST". */
export function clockOf(text, zone, nowMs) {
  const at = instant(text);
  return at === null ? String(text ?? UNKNOWN) : `${clock(at, zone, nowMs)} ${zoneName(at, zone)}`;
}

/** A date of the calendar in words, whatever the zone: "Fri, Nov 20, 2026". */
export function dayName(date) {
  const at = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(at)) return String(date);
  return formatter("UTC", {
    weekday: "short",
    month: "short",
    day: "numeric",
    year: "numeric",
  }).format(at);
}

/** Whether a value is a number that means something. */
export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A noun with its count: "1 trade", "2 trades". */
export function count(n, noun, plural = `${noun}s`) {
  return `${plain(n)} ${n === 1 ? noun : plural}`;
}
