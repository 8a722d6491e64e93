/**
 * Small drawings on canvas: sparklines, bars and heat maps. `zoomplot.js` has the large plots.
 *
 * All colours come from variables in `page.css`, which differ between the light and the dark scheme.
 */

const NAMES = ['text', 'dim', 'line', 'surface', 'first', 'second', 'third', 'fourth', 'fifth', 'level', 'mark', 'low', 'high'];

let colours = null;
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { colours = null; });

/** Returns the colours of the scheme in use, by name. */
export function palette() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

/**
 * The colours and dash patterns of up to five curves. The patterns differ too, so that the curves differ without
 * colour.
 */
export const CURVES = [
  { colour: 'first', dash: [] },
  { colour: 'second', dash: [6, 3] },
  { colour: 'third', dash: [2, 2] },
  { colour: 'fourth', dash: [8, 3, 2, 3] },
  { colour: 'fifth', dash: [12, 4] },
];

/** Clears a canvas and returns its context, scaled so that one unit is one CSS pixel. */
export function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== deviceWidth || canvas.height !== deviceHeight) {
    canvas.width = deviceWidth;
    canvas.height = deviceHeight;
  }
  const pen = canvas.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** Returns the minimum and maximum of the finite numbers in an array; null if there are none. */
export function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** Draws a curve. Each null leaves a gap. */
export function drawCurve(pen, xs, ys, x, y) {
  let isDrawing = false;
  pen.beginPath();
  for (let index = 0; index < xs.length; index += 1) {
    const value = ys[index];
    if (value === null || !Number.isFinite(value)) {
      isDrawing = false;
    } else if (isDrawing) {
      pen.lineTo(x(xs[index]), y(value));
    } else {
      pen.moveTo(x(xs[index]), y(value));
      isDrawing = true;
    }
  }
  pen.stroke();
}

/** Draws a horizontal dashed line at a threshold. */
export function drawLevel(pen, left, right, height) {
  pen.save();
  pen.strokeStyle = palette().level;
  pen.lineWidth = 1;
  pen.setLineDash([4, 3]);
  pen.beginPath();
  pen.moveTo(left, Math.round(height) + 0.5);
  pen.lineTo(right, Math.round(height) + 0.5);
  pen.stroke();
  pen.restore();
}

/**
 * Returns whether most decisions would share their place on an axis of time: a file that is piped has thousands a
 * second. Such decisions are drawn one beside the other.
 */
export function isCrowded(times, width) {
  if (times.length < 2) return false;
  const [start, span] = [times[0], times.at(-1) - times[0]];
  const places = new Set(times.map((time) => (span > 0 ? Math.floor((time - start) / span * width) : 0)));
  return places.size < Math.min(times.length, width) / 3;
}

/** Returns decisions and marks with places instead of times: the last decision has the place 0. */
export function placed(times, marks) {
  const last = times.length - 1;
  let next = 0;
  const place = (time) => {
    while (next <= last && times[next] < time) next += 1;
    return Math.min(0, next - last - 0.5);
  };
  return { xs: times.map((_, index) => index - last), marks: marks.map(({ time, kind }) => ({ time: place(time), kind })) };
}

/**
 * Draws a value over time, without axes.
 *
 * @param {HTMLCanvasElement} canvas The canvas.
 * @param {{xs: number[], ys: (?number)[]}} course The times and values.
 * @param {Object} options `range` of the values (by default, from 0 to above the maximum), `levels` for threshold
 *     lines, and `marks` as `[{time, kind}]`.
 */
export function drawSparkline(canvas, { xs, ys }, { range = null, levels = [], marks = [] } = {}) {
  const { pen, width, height } = prepare(canvas);
  if (!xs.length || !width) return;
  const [low, high] = range ?? [0, (extent(ys)?.[1] || 1) * 1.15];
  const [start, end] = [xs[0], xs.at(-1)];
  const x = (value) => (end > start ? 2 + (value - start) / (end - start) * (width - 4) : width - 2);
  const y = (value) => height - 2 - (value - low) / (high - low || 1) * (height - 4);
  for (const level of levels) drawLevel(pen, 0, width, y(level));
  for (const mark of marks) {
    if (mark.time >= start && mark.time <= end) drawSmallMark(pen, x(mark.time), height, mark.kind);
  }
  pen.strokeStyle = palette().first;
  pen.lineWidth = 1.5;
  pen.lineJoin = 'round';
  drawCurve(pen, xs, ys, x, y);
  drawLastPoint(pen, xs, ys, x, y);
}

/** Draws a point at the newest value, so that a curve of one value is visible too. */
function drawLastPoint(pen, xs, ys, x, y) {
  const last = ys.at(-1);
  if (last === null || !Number.isFinite(last)) return;
  pen.fillStyle = palette().first;
  pen.beginPath();
  pen.arc(x(xs.at(-1)), y(last), 2, 0, 2 * Math.PI);
  pen.fill();
}

/** Draws a mark as a line: solid for a reset, dotted for a gap, dashed for all others. */
function drawSmallMark(pen, x, height, kind) {
  pen.save();
  pen.strokeStyle = palette().mark;
  pen.setLineDash(markDash(kind));
  pen.beginPath();
  pen.moveTo(x, 0);
  pen.lineTo(x, height);
  pen.stroke();
  pen.restore();
}

/** Returns the dash pattern for a kind of mark. */
export function markDash(kind) {
  if (kind === 'reset') return [];
  return kind === 'gap' ? [1, 2] : [4, 2];
}

/** Draws a histogram of a value from 0 to 1, with threshold lines. */
export function drawBars(canvas, counts, levels = []) {
  const { pen, width, height } = prepare(canvas);
  const most = Math.max(1, ...counts);
  const step = width / counts.length;
  pen.fillStyle = palette().first;
  counts.forEach((count, index) => {
    // A non-empty bar stays visible even beside a bar that is a thousand times as high.
    const length = count ? Math.max(1, count / most * (height - 3)) : 0;
    pen.fillRect(index * step + 0.5, height - 1 - length, Math.max(1, step - 1), length);
  });
  pen.fillStyle = palette().dim;
  pen.fillRect(0, height - 1, width, 1);
  pen.strokeStyle = palette().level;
  pen.setLineDash([4, 3]);
  for (const level of levels) {
    pen.beginPath();
    pen.moveTo(level * width, 0);
    pen.lineTo(level * width, height);
    pen.stroke();
  }
}

/**
 * Draws numbers as coloured cells: blue below zero, orange above, and paler near zero. A negative cell has a bar, so
 * that the sign is visible without the colour.
 *
 * @param {HTMLCanvasElement} canvas The canvas.
 * @param {ArrayLike<number>} values The values, row by row.
 * @param {number} columns The number of cells in a row.
 * @param {number} most The absolute value that gets the full colour.
 */
export function drawHeatMap(canvas, values, columns, most) {
  const { pen, width, height } = prepare(canvas);
  const rows = Math.ceil(values.length / columns);
  const [cellWidth, cellHeight] = [width / columns, height / rows];
  const { low, high, line, text } = palette();
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    const [left, top] = [(index % columns) * cellWidth, Math.floor(index / columns) * cellHeight];
    pen.globalAlpha = 1;
    pen.fillStyle = line;
    pen.fillRect(left, top, cellWidth - 1, cellHeight - 1);
    pen.globalAlpha = Number.isFinite(value) ? Math.min(1, Math.abs(value) / most) : 0;
    pen.fillStyle = value < 0 ? low : high;
    pen.fillRect(left, top, cellWidth - 1, cellHeight - 1);
    if (value < 0 && cellWidth > 6) {
      pen.globalAlpha = 0.7;
      pen.fillStyle = text;
      pen.fillRect(left + cellWidth / 2 - 3, top + cellHeight / 2 - 1, 5, 1.5);
    }
  }
  pen.globalAlpha = 1;
}
