// The P&L curve of the day with its marks, drawn by uPlot in the page's colours.

import uPlot from "../vendor/uPlot.esm.js";
import { clock, instant, isNumber, usd } from "./format.js";

const SIGNS = { entry: "\u25B2", exit: "\u25BC", warning: "!", breach: "\u2717", lock: "\u25A0", unlock: "\u25A1" };
const TONES = {
  entry: "--info",
  exit: "--dim",
  warning: "--warn",
  breach: "--bad",
  lock: "--bad",
  unlock: "--good",
};
const RANK = { entry: 0, exit: 0, unlock: 1, warning: 2, breach: 3, lock: 4 };
const MOST_POINTS = 4000;
const NEW_POINT_S = 5;
const HEIGHT = 260;
const NEAR_PX = 14;
const SHORTEST_SPAN_S = 120;
const LEAD_S = 20;

/** Begin a curve from what the API gave; without it from what this page sees. */
export function curveFrom(answer) {
  const data = answer?.data;
  if (!data) return { isOwn: true, points: [], marks: [] };
  const points = data.points
    .map(([at, equity]) => [instant(at) / 1000, isNumber(equity) ? equity : null])
    .filter(([at]) => Number.isFinite(at))
    .sort((a, b) => a[0] - b[0]);
  const marks = data.marks.map((mark) => ({ ...mark, s: instant(mark.at) / 1000 })).filter((mark) => Number.isFinite(mark.s));
  return { isOwn: false, points, marks };
}

/** Take the day's P&L of now as the last point; a new one every few seconds. */
export function extend(curve, nowS, equity) {
  const last = curve.points.at(-1);
  const before = curve.points.at(-2);
  const value = isNumber(equity) ? equity : null;
  if (last && nowS <= last[0]) return;
  if (last && before && curve.isLiveEnd && last[0] - before[0] < NEW_POINT_S && (last[1] === null) === (value === null)) {
    curve.points[curve.points.length - 1] = [nowS, value];
  } else {
    curve.points.push([nowS, value]);
  }
  curve.isLiveEnd = true;
  if (curve.points.length > MOST_POINTS) curve.points.shift();
}

/** When the day began to move: the points before the first change or mark say nothing. */
export function lively(curve) {
  const first = curve.points[0];
  if (!first) return [];
  const moved = curve.points.findIndex(([, value]) => value !== first[1]);
  const movedAt = moved < 0 ? curve.points.at(-1)[0] : Math.max(curve.points[Math.max(moved - 1, 0)][0], curve.points[moved][0] - LEAD_S);
  const markedAt = Math.min(...curve.marks.map((mark) => mark.s), Infinity);
  const now = curve.points.at(-1)[0];
  const from = Math.min(movedAt, markedAt, now - SHORTEST_SPAN_S) - LEAD_S;
  const kept = curve.points.filter(([at]) => at >= from);
  const before = curve.points.filter(([at]) => at < from).at(-1);
  return before ? [[from, before[1]], ...kept] : kept;
}

/** The value of the curve at a time, between its points. */
export function valueAt(points, s) {
  if (!points.length) return null;
  let low = 0;
  let high = points.length - 1;
  if (s <= points[0][0]) return points[0][1];
  if (s >= points[high][0]) return points[high][1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= s) low = middle;
    else high = middle;
  }
  const [a, va] = points[low];
  const [b, vb] = points[high];
  if (!isNumber(va) || !isNumber(vb)) return va ?? vb;
  return va + ((vb - va) * (s - a)) / (b - a || 1);
}

/** One chart in one element. */
export class Chart {
  constructor(box, { onMark }) {
    this.box = box;
    this.onMark = onMark;
    this.plot = null;
    this.marks = [];
    this.lines = [];
    this.zone = "UTC";
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(box);
  }

  /** Show the curve with the lines of the limits: [{at, text, tone}]. */
  show(curve, lines, zone) {
    this.marks = [...curve.marks].sort((a, b) => (RANK[a.kind] ?? 0) - (RANK[b.kind] ?? 0));
    this.lines = lines;
    this.zone = zone;
    this.points = lively(curve);
    const xs = this.points.map(([at]) => at);
    const ys = this.points.map(([, value]) => value);
    if (this.plot === null) this.#make([xs, ys]);
    else this.plot.setData([xs, ys]);
  }

  end() {
    this.observer.disconnect();
    this.plot?.destroy();
    this.plot = null;
    this.box.replaceChildren();
  }

  #color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  #make(data) {
    const axis = {
      stroke: () => this.#color("--dim"),
      grid: { stroke: () => this.#color("--line"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    };
    const options = {
      width: Math.max(this.box.clientWidth, 200),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), this.zone),
      scales: { x: { time: true }, y: { range: (_, low, high) => this.#range(low, high) } },
      axes: [
        { ...axis, values: (_, splits) => this.#times(splits), space: 76 },
        { ...axis, size: 66, values: (_, splits) => splits.map((v) => usd(v, { signed: true, cents: false })) },
      ],
      series: [
        {},
        {
          width: 2,
          stroke: (plot) => this.#gradient(plot, "line"),
          fill: (plot) => this.#gradient(plot, "fill"),
          fillTo: () => 0,
          spanGaps: false,
          points: { show: false },
        },
      ],
      hooks: {
        drawAxes: [(plot) => this.#drawLines(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
        setCursor: [(plot) => this.#said(plot)],
      },
    };
    this.plot = new uPlot(options, data, this.box);
    this.plot.over.addEventListener("click", () => {
      const mark = this.#near(this.plot);
      if (mark) this.onMark(mark);
    });
  }

  #times(splits) {
    const isShort = splits.length > 1 && splits[1] - splits[0] < 60;
    return splits.map((s) => clock(s * 1000, this.zone).slice(0, isShort ? 8 : 5));
  }

  #range(low, high) {
    const values = [0, ...(isNumber(low) ? [low, high] : [])];
    const span = Math.max(...values.map(Math.abs), 50);
    // A limit belongs into the picture once the curve comes near it.
    for (const line of this.lines) if (Math.abs(line.at) <= span * 2.2) values.push(line.at);
    const bottom = Math.min(...values);
    const top = Math.max(...values);
    const pad = Math.max((top - bottom) * 0.1, 10);
    return [bottom - pad, top + pad];
  }

  #gradient(plot, kind) {
    const zero = plot.valToPos(0, "y", true);
    const top = plot.bbox.top;
    const height = plot.bbox.height || 1;
    const at = Math.min(Math.max((zero - top) / height, 0), 1);
    const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
    const [good, bad] = [this.#color("--good"), this.#color("--bad")];
    const near = (color, alpha) => `color-mix(in srgb, ${color} ${alpha}%, transparent)`;
    if (kind === "line") {
      gradient.addColorStop(at, good);
      gradient.addColorStop(at, bad);
    } else {
      gradient.addColorStop(0, near(good, 34));
      gradient.addColorStop(at, near(good, 4));
      gradient.addColorStop(at, near(bad, 4));
      gradient.addColorStop(1, near(bad, 34));
    }
    return gradient;
  }

  #drawLines(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    for (const line of [{ at: 0, text: "", tone: "--dim" }, ...this.lines]) {
      const y = plot.valToPos(line.at, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = this.#color(line.tone);
      ctx.fillStyle = this.#color(line.tone);
      ctx.lineWidth = ratio;
      ctx.setLineDash(line.text ? [6 * ratio, 5 * ratio] : []);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      if (line.text) ctx.fillText(line.text, bbox.left + 6 * ratio, y - 5 * ratio);
    }
    ctx.restore();
  }

  #drawMarks(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (const mark of this.marks) {
      const x = plot.valToPos(mark.s, "x", true);
      const value = valueAt(this.points, mark.s);
      if (x < bbox.left || x > bbox.left + bbox.width || !isNumber(value)) continue;
      const y = plot.valToPos(value, "y", true);
      const color = this.#color(TONES[mark.kind] ?? "--dim");
      const isGrave = (RANK[mark.kind] ?? 0) >= 2;
      if (isGrave) {
        ctx.strokeStyle = color;
        ctx.globalAlpha = 0.45;
        ctx.lineWidth = ratio;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.globalAlpha = 1;
        ctx.fillStyle = color;
        ctx.beginPath();
        ctx.arc(x, y, 9 * ratio, 0, 2 * Math.PI);
        ctx.fill();
        ctx.fillStyle = this.#color("--on-tone");
        ctx.font = `bold ${11 * ratio}px system-ui, sans-serif`;
      } else {
        ctx.fillStyle = color;
        ctx.font = `${10 * ratio}px system-ui, sans-serif`;
      }
      ctx.fillText(SIGNS[mark.kind] ?? "\u2022", x, isGrave ? y : y + (mark.kind === "exit" ? -9 : 9) * ratio);
    }
    ctx.restore();
  }

  #near(plot) {
    const { left } = plot.cursor;
    if (left === null || left === undefined || left < 0) return null;
    let best = null;
    for (const mark of this.marks) {
      const away = Math.abs(plot.valToPos(mark.s, "x") - left);
      if (away <= NEAR_PX && (!best || away <= best.away)) best = { mark, away };
    }
    return best?.mark ?? null;
  }

  #said(plot) {
    const said = this.box.parentElement?.querySelector(".curve-said");
    if (!said) return;
    const { idx, left } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) {
      said.textContent = "";
      return;
    }
    const [at, value] = this.points[idx] ?? [];
    const mark = this.#near(plot);
    const point = `${clock(at * 1000, this.zone)}  ${usd(value, { signed: true })}`;
    said.textContent = mark ? `${point}  ${SIGNS[mark.kind] ?? ""} ${mark.kind}: ${mark.text}` : point;
  }

  #resize() {
    const width = this.box.clientWidth;
    if (this.plot && width > 0) this.plot.setSize({ width, height: HEIGHT });
  }
}
