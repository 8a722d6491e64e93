/**
 * A large plot with axes, which can be zoomed with the wheel, by dragging and with keys.
 */
import { axisTime } from './format.js';
import { CURVES, drawCurve, drawLevel, extent, markDash, palette, prepare } from './plot.js';

const MARGIN = { left: 52, right: 12, top: 18, bottom: 34 };
const TIME_STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  14400, 21600, 43200, 86400, 172800, 604800,
];
/** The minimum distance between points, in pixels, at which each point is also drawn as a dot. */
const DOT_DISTANCE = 7;

/** A plot on a canvas. */
export class ZoomPlot {
  #canvas;
  #options;
  #data = { curves: [], levels: [], marks: [] };
  /** The visible range on the x-axis; null for all data. */
  #view = null;
  /** The horizontal positions, in pixels, where the drag began and where it is now; null without a drag. */
  #drag = null;
  #pointer = null;

  /**
   * Creates a plot.
   *
   * @param {HTMLCanvasElement} canvas The canvas, which can be focused.
   * @param {Object} options `isTime` if x is in Unix seconds; `xTitle`; `range` of y, or null to fit it; `least`, the
   *     shortest range of x; `onPoint(index)`, called with the index of the point at the pointer, or null.
   */
  constructor(canvas, options) {
    this.#canvas = canvas;
    this.#options = { isTime: false, xTitle: '', range: null, least: 1, onPoint: () => {}, ...options };
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.#listen();
  }

  /**
   * Changes the data.
   *
   * @param {Object} data `curves` as `[{name, xs, ys}]`, `levels` as `[{value, name}]`, `marks` as `[{time, kind}]`.
   */
  set(data) {
    this.#data = { levels: [], marks: [], ...data };
    this.draw();
  }

  /** Changes some of the options, for the next drawing. Another axis shows all. */
  change(options) {
    if ((options.isTime ?? this.#options.isTime) !== this.#options.isTime) this.#view = null;
    Object.assign(this.#options, options);
  }

  /** Shows everything. */
  showAll() {
    this.#view = null;
    this.draw();
  }

  /** Zooms by a factor around a position from 0 (left) to 1 (right). */
  zoom(factor, place = 0.5) {
    const [start, end] = this.#range();
    const span = Math.max(this.#options.least, (end - start) * factor);
    const middle = start + (end - start) * place;
    this.#look(middle - span * place, middle + span * (1 - place));
  }

  /** Scrolls by a fraction of the visible range. */
  move(part) {
    const [start, end] = this.#range();
    this.#look(start + (end - start) * part, end + (end - start) * part);
  }

  /**
   * Sets the visible range, limited to the range of the data. If all data is visible, the range grows with new data.
   */
  #look(start, end) {
    const [first, last] = this.#whole();
    const span = end - start;
    if (span >= last - first) return this.showAll();
    const from = Math.min(Math.max(start, first), last - span);
    this.#view = [from, from + span];
    this.draw();
  }

  /** The range of all data on the x-axis. */
  #whole() {
    const ends = this.#data.curves.filter((curve) => curve.xs.length).map(({ xs }) => [xs[0], xs.at(-1)]);
    if (!ends.length) return [0, 1];
    const [first, last] = [Math.min(...ends.map(([start]) => start)), Math.max(...ends.map(([, end]) => end))];
    return last > first ? [first, last] : [first - this.#options.least, first + this.#options.least];
  }

  #range() {
    return this.#view ?? this.#whole();
  }

  // MARK: Pointer and keys

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('pointerdown', (event) => this.#press(event));
    canvas.addEventListener('pointermove', (event) => this.#pull(event));
    canvas.addEventListener('pointerup', () => this.#release());
    canvas.addEventListener('pointercancel', () => { this.#drag = null; });
    canvas.addEventListener('pointerleave', () => this.#point(null));
    canvas.addEventListener('dblclick', () => this.showAll());
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  #place(x) {
    return Math.min(1, Math.max(0, (x - MARGIN.left) / (this.#canvas.clientWidth - MARGIN.left - MARGIN.right)));
  }

  #wheel(event) {
    event.preventDefault();
    this.zoom(1.002 ** Math.max(-300, Math.min(300, event.deltaY)), this.#place(event.offsetX));
  }

  #press(event) {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drag = { from: event.offsetX, to: event.offsetX };
  }

  #pull(event) {
    if (this.#drag) this.#drag.to = event.offsetX;
    this.#point(event.offsetX);
  }

  #release() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag || Math.abs(drag.to - drag.from) < 5) return this.draw();
    const [start, end] = this.#range();
    const [from, to] = [this.#place(drag.from), this.#place(drag.to)].sort((a, b) => a - b);
    const middle = start + (end - start) * (from + to) / 2;
    const half = Math.max(this.#options.least, (end - start) * (to - from)) / 2;
    this.#look(middle - half, middle + half);
  }

  #key(event) {
    const actions = {
      '+': () => this.zoom(0.5), '=': () => this.zoom(0.5), '-': () => this.zoom(2), 0: () => this.showAll(),
      ArrowLeft: () => this.move(-0.2), ArrowRight: () => this.move(0.2), Home: () => this.move(-1e9),
      End: () => this.move(1e9),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
  }

  #point(x) {
    this.#pointer = x;
    this.draw();
  }

  // MARK: Drawing

  /** Draws the plot. */
  draw() {
    const { pen, width, height } = prepare(this.#canvas);
    if (width <= MARGIN.left + MARGIN.right) return;
    const frame = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const scale = this.#scale(frame);
    pen.font = `11px ${getComputedStyle(this.#canvas).fontFamily}`;
    this.#drawAxes(pen, frame, scale);
    pen.save();
    pen.beginPath();
    pen.rect(frame.left, 0, frame.right - frame.left, frame.bottom + 1);
    pen.clip();
    this.#drawLevels(pen, frame, scale);
    this.#drawMarks(pen, frame, scale);
    this.#data.curves.forEach((curve, index) => this.#drawCurve(pen, scale, curve, index));
    this.#drawPointer(pen, frame, scale);
    pen.restore();
  }

  /** Returns the functions from values to pixels for the visible range. */
  #scale(frame) {
    const [start, end] = this.#range();
    const [low, high] = this.#options.range ?? this.#fitted(start, end);
    return {
      start, end, low, high,
      x: (value) => frame.left + (value - start) / (end - start) * (frame.right - frame.left),
      y: (value) => frame.bottom - (value - low) / (high - low) * (frame.bottom - frame.top),
    };
  }

  /** Returns the range of y for the points from `start` to `end`, with room above and below. */
  #fitted(start, end) {
    const seen = this.#data.curves.flatMap(({ xs, ys }) => ys.filter((_, at) => xs[at] >= start && xs[at] <= end));
    const [low, high] = extent(seen) ?? [0, 1];
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    return [low - room, high + room];
  }

  #drawAxes(pen, frame, scale) {
    const { dim, line } = palette();
    pen.lineWidth = 1;
    pen.strokeStyle = line;
    pen.fillStyle = dim;
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    const step = niceStep((scale.high - scale.low) / 5);
    for (let value = Math.ceil(scale.low / step) * step; value <= scale.high + step / 1e6; value += step) {
      horizontal(pen, frame, scale.y(value));
      pen.fillText(trimmed(value, step), frame.left - 6, scale.y(value));
    }
    pen.textAlign = 'center';
    pen.textBaseline = 'top';
    const xStep = this.#xStep((scale.end - scale.start) / Math.max(1, (frame.right - frame.left) / 90));
    for (let value = this.#firstTick(scale.start, xStep); value <= scale.end; value += xStep) {
      pen.fillRect(Math.round(scale.x(value)), frame.bottom, 1, 4);
      const text = this.#options.isTime ? axisTime(value, xStep) : trimmed(value, xStep);
      const half = pen.measureText(text).width / 2;
      pen.fillText(text, Math.min(scale.x(value), frame.right + MARGIN.right - half), frame.bottom + 6);
    }
    pen.fillText(this.#options.xTitle, (frame.left + frame.right) / 2, frame.bottom + 20);
  }

  #xStep(least) {
    if (!this.#options.isTime) return Math.max(1, niceStep(least));
    return TIME_STEPS.find((step) => step >= least) ?? TIME_STEPS.at(-1);
  }

  /** Returns the first tick: a multiple of the step, in local time if x is a time. */
  #firstTick(start, step) {
    const offset = this.#options.isTime ? new Date(start * 1000).getTimezoneOffset() * 60 : 0;
    return Math.ceil((start - offset) / step) * step + offset;
  }

  #drawLevels(pen, frame, scale) {
    pen.textAlign = 'left';
    pen.textBaseline = 'bottom';
    pen.fillStyle = palette().level;
    for (const { value, name } of this.#data.levels) {
      drawLevel(pen, frame.left, frame.right, scale.y(value));
      pen.fillText(name, frame.left + 4, scale.y(value) - 2);
    }
  }

  #drawMarks(pen, frame, scale) {
    const { mark } = palette();
    pen.textAlign = 'center';
    pen.textBaseline = 'bottom';
    let written = -Infinity;
    for (const { time, kind } of this.#data.marks) {
      if (time < scale.start || time > scale.end) continue;
      const x = Math.round(scale.x(time)) + 0.5;
      pen.strokeStyle = mark;
      pen.fillStyle = mark;
      pen.setLineDash(markDash(kind));
      pen.beginPath();
      pen.moveTo(x, frame.top);
      pen.lineTo(x, frame.bottom);
      pen.stroke();
      pen.setLineDash([]);
      // Marks that are close together share the name of the first.
      if (x - written < 42) continue;
      pen.fillText(kind, Math.min(Math.max(x, frame.left + 18), frame.right - 18), frame.top - 3);
      written = x;
    }
  }

  #drawCurve(pen, scale, { xs, ys }, index) {
    const { colour, dash } = CURVES[index % CURVES.length];
    pen.strokeStyle = palette()[colour];
    pen.fillStyle = palette()[colour];
    pen.lineWidth = 1.6;
    pen.lineJoin = 'round';
    pen.setLineDash(dash);
    drawCurve(pen, xs, ys, scale.x, scale.y);
    pen.setLineDash([]);
    const seen = xs.length / Math.max(1e-9, (xs.at(-1) - xs[0]) / (scale.end - scale.start));
    if (xs.length > 1 && (scale.x(scale.end) - scale.x(scale.start)) / seen < DOT_DISTANCE) return;
    xs.forEach((x, at) => {
      if (x >= scale.start && x <= scale.end && Number.isFinite(ys[at]) && ys[at] !== null) dot(pen, scale.x(x), scale.y(ys[at]));
    });
  }

  /** Draws the range that a drag selects, and a line at the point closest to the pointer. */
  #drawPointer(pen, frame, scale) {
    if (this.#drag && Math.abs(this.#drag.to - this.#drag.from) >= 5) {
      pen.fillStyle = palette().first;
      pen.globalAlpha = 0.15;
      pen.fillRect(this.#drag.from, frame.top, this.#drag.to - this.#drag.from, frame.bottom - frame.top);
      pen.globalAlpha = 1;
    }
    const curve = this.#data.curves[0];
    if (this.#pointer === null || !curve?.xs.length) return this.#options.onPoint(null);
    const index = closest(curve.xs, scale.start + this.#place(this.#pointer) * (scale.end - scale.start));
    pen.strokeStyle = palette().dim;
    pen.beginPath();
    pen.moveTo(scale.x(curve.xs[index]), frame.top);
    pen.lineTo(scale.x(curve.xs[index]), frame.bottom);
    pen.stroke();
    this.#options.onPoint(index);
  }
}

function horizontal(pen, frame, y) {
  pen.beginPath();
  pen.moveTo(frame.left, Math.round(y) + 0.5);
  pen.lineTo(frame.right, Math.round(y) + 0.5);
  pen.stroke();
}

function dot(pen, x, y) {
  pen.beginPath();
  pen.arc(x, y, 2.4, 0, 2 * Math.PI);
  pen.fill();
}

/** Returns 1, 2 or 5 times a power of ten that is at least `least`. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least || 1));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999);
}

/** Returns a tick's value with as many digits as its step needs. */
function trimmed(value, step) {
  return value.toFixed(Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9))));
}

/** Returns the index of the value closest to `wanted` in an ascending array. */
function closest(values, wanted) {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - values[low - 1] < values[low] - wanted ? low - 1 : low;
}
