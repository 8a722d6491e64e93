/**
 * The page of `sluice fit --live` and `sluice compare --live`: loss and metrics during the training.
 *
 * The event `training` has the whole state, so that a page that opens late misses nothing:
 *
 *     {"time", "command": "fit", "title", "state": "running" | "finished" | "stopped", "message": text or null,
 *      "runs": [{"name", "epoch", "epochs", "part": share of the run that is done, "rate": sequences per second,
 *                "metrics": [names in order], "stride": 1,
 *                "series": {"loss": [one value for each stride-th epoch, or null], "val_loss": […], …}}],
 *      "results": null or {"columns": [titles], "rows": [[text, …], …]}}
 */
import { byID, element, setNote, setText } from './elements.js';
import { clock, count, percent, rate, zoneText } from './format.js';
import { CURVES, palette, prepare } from './plot.js';
import { ZoomPlot } from './zoomplot.js';

/** The series that appear in the table of runs and need no plot. */
const UNPLOTTED = new Set(['learning_rate']);

let last = null;
let heard = Date.now();
const plots = new Map();

// MARK: Connection

function listen() {
  const source = new EventSource('/api/events?every=1');
  source.addEventListener('training', (event) => {
    heard = Date.now();
    last = JSON.parse(event.data);
    show();
  });
  source.addEventListener('error', () => {
    source.close();
    showBar('lost');
    // The program ends when its training does. Another training may begin at the same address, so keep trying.
    setTimeout(listen, 1000);
  });
}

function showBar(connection) {
  const isOver = last && last.state !== 'running';
  const texts = { live: '✓ Live', lost: `✕ No connection since ${clock(heard / 1000)}` };
  const text = isOver ? `${last.state === 'finished' ? '✓ Finished' : '✕ Stopped'} at ${clock(last.time)}` : texts[connection];
  const isGood = isOver ? last.state === 'finished' : connection === 'live';
  byID('bar').className = `bar ${isGood ? 'live' : 'lost'}`;
  setText(byID('bar-text'), text);
  setText(byID('live'), text);
}

// MARK: Showing

function show() {
  showBar('live');
  setText(byID('title'), `sluice ${last.command}`);
  setText(byID('about'), last.title ?? '');
  document.title = `${percent(progress())} – sluice ${last.command}`;
  byID('progress').value = progress();
  setText(byID('progress-text'), progressText());
  setNote(byID('outcome'), last.message);
  showPlots();
  showRuns();
}

function progress() {
  return last.runs.length ? last.runs.reduce((sum, run) => sum + run.part, 0) / last.runs.length : 0;
}

function progressText() {
  const speed = last.runs.reduce((sum, run) => sum + (run.rate ?? 0), 0);
  const speedText = last.state === 'running' && speed > 0 ? `, ${rate(speed)} sequences/s` : '';
  return `${percent(progress())} of ${count(last.runs.length)} ${last.runs.length === 1 ? 'run' : 'runs'}${speedText}`;
}

/**
 * Shows one plot for each metric. With one run, the plot has a curve for training and one for validation. With several
 * runs, it has a training curve for each run.
 */
function showPlots() {
  const names = [...new Set(last.runs.flatMap((run) => run.metrics))];
  const metrics = names.filter((name) => !UNPLOTTED.has(name) && !name.startsWith('val_'));
  for (const metric of metrics) {
    if (!plots.has(metric)) plots.set(metric, new MetricPlot(metric));
    plots.get(metric).show(curves(metric));
  }
  // Another training at the same address may have other metrics.
  for (const [metric, plot] of plots) {
    if (metrics.includes(metric)) continue;
    plot.root.remove();
    plots.delete(metric);
  }
}

function curves(metric) {
  const keys = last.runs.length === 1 ? [metric, `val_${metric}`] : [metric];
  const found = last.runs.flatMap((run) => keys.filter((key) => run.series[key]).map((key) => ({
    name: last.runs.length === 1 ? key : run.name,
    xs: run.series[key].map((_, index) => index * run.stride + 1),
    ys: run.series[key],
  })));
  return found.filter((curve) => curve.ys.length);
}

/** The plot of one metric, with the names of its curves above it. */
class MetricPlot {
  constructor(metric) {
    this.canvas = element('canvas.large', { role: 'img', tabindex: '0' });
    this.keys = element('p');
    this.readout = element('p.dim');
    this.metric = metric;
    this.root = element('figure.panel', {}, element('figcaption', { text: metric }), this.keys, this.canvas, this.readout);
    byID('plots').append(this.root);
    this.plot = new ZoomPlot(this.canvas, { xTitle: 'epoch', least: 1, onPoint: (index) => this.#readOut(index) });
  }

  show(curves) {
    this.curves = curves;
    this.#showKeys();
    this.plot.set({ curves });
    const ends = curves.map((curve) => `${curve.name} ${curve.ys.at(-1)?.toFixed(4) ?? '–'}`).join(', ');
    this.canvas.setAttribute('aria-label', `${this.metric} by epoch; last values: ${ends}`);
  }

  #showKeys() {
    const names = this.curves.map((curve) => curve.name).join('\n');
    if (this.keys.dataset.names === names) return;
    this.keys.dataset.names = names;
    this.keys.replaceChildren(...this.curves.map(({ name }) =>
      element('span.key.dim', {}, element('canvas'), element('span', { text: name }))));
    requestAnimationFrame(() => [...this.keys.querySelectorAll('canvas')].forEach(drawKey));
  }

  /** Shows the values at the pointer, or the last values if there is no pointer. */
  #readOut(index) {
    const longest = Math.max(0, ...(this.curves ?? []).map((curve) => curve.ys.length));
    const at = index ?? longest - 1;
    const values = (this.curves ?? []).filter((curve) => Number.isFinite(curve.ys[at]));
    const epoch = this.curves?.[0]?.xs[at] ?? at + 1;
    setText(this.readout, `epoch ${epoch}: ${values.map(({ name, ys }) => `${name} ${ys[at].toFixed(4)}`).join(', ')}`);
  }
}

/** Draws a short line in the colour and dash pattern of a curve, for the curve's name. */
function drawKey(canvas, index) {
  const { pen, width, height } = prepare(canvas);
  const { colour, dash } = CURVES[index % CURVES.length];
  pen.strokeStyle = palette()[colour];
  pen.lineWidth = 2;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(0, height / 2);
  pen.lineTo(width, height / 2);
  pen.stroke();
}

function showRuns() {
  const rows = last.results ? [last.results.columns, ...last.results.rows] : runRows(last.runs);
  const [titles, ...lines] = rows;
  const head = element('tr', {}, ...titles.map((text, index) => element(index ? 'th.number' : 'th', { text, scope: 'col' })));
  const body = lines.map((line) => element('tr', {}, ...line.map((text, index) => element(index ? 'td.number' : 'td', { text }))));
  byID('runs').replaceChildren(element('thead', {}, head), element('tbody', {}, ...body));
}

function runRows(runs) {
  const names = [...new Set(runs.flatMap((run) => run.metrics))];
  const lines = runs.map((run) => [
    run.name, `${count(run.epoch)} of ${count(run.epochs)}`, ...names.map((name) => value(run.series[name]?.at(-1))),
  ]);
  return [['Run', 'Epoch', ...names], ...lines];
}

function value(given) {
  if (typeof given !== 'number') return given === null || given === undefined ? '–' : String(given);
  return Number.isInteger(given) ? count(given) : given.toPrecision(4);
}

setText(byID('zone'), zoneText);
listen();
