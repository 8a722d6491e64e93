/**
 * The view of one stream: its plot, counters, state and actions.
 */
import { call } from './connection.js';
import { ask } from './control.js';
import { byID, element, setNote, setPairs, setText } from './elements.js';
import { age, clock, count, output, period, quantity, zone } from './format.js';
import { Histories } from './histories.js';
import { levels } from './models.js';
import { drawHeatMap, isCrowded, placed } from './plot.js';
import { labelText, range, single } from './row.js';
import { ZoomPlot } from './zoomplot.js';

/** The number of decisions that an open view keeps, which may be more than the daemon keeps. */
const KEPT = 5000;
const NO_HISTORY = { times: [], probabilities: [], marks: [], threshold: null };
const TIME_AXIS = { isTime: true, xTitle: `time (${zone})`, least: 0.01 };
const PLACE_AXIS = { isTime: false, xTitle: 'decisions before the last', least: 4 };
const STATE_INTERVAL = 2000;
/** The number of cells in a row of the heat map. */
const STATE_COLUMNS = 32;

/** The view of one stream. */
export class StreamView {
  /** The stream's id; null while the view is closed. */
  stream = null;

  #control;
  #models = [];
  #histories = null;
  #entry = null;
  #status = null;
  #isBusy = false;
  #showsState = false;
  /** Whether the plot's axis is the time; null until the first decisions tell what suits them. */
  #byTime = null;
  #stateTime = 0;
  #plot;

  /** @param {Control} control The permission for the actions. */
  constructor(control) {
    this.#control = control;
    this.#plot = new ZoomPlot(byID('one-plot'), { ...TIME_AXIS, onPoint: (index) => this.#readOut(index) });
    this.#listen();
  }

  /** Opens the view of a stream. */
  open(stream) {
    this.stream = stream;
    this.#histories = new Histories(KEPT);
    [this.#entry, this.#status, this.#showsState, this.#byTime] = [null, null, false, null];
    byID('one').hidden = false;
    byID('one-body').hidden = true;
    byID('one-title').textContent = stream;
    byID('one-title').focus({ preventScroll: true });
    byID('one-state').replaceChildren();
    setText(byID('one-outcome'), '');
    setText(byID('one-about'), '');
    this.#plot.showAll();
    this.#showControl();
    this.refresh();
  }

  /** Closes the view. */
  close() {
    this.stream = null;
    byID('one').hidden = true;
  }

  /** Notes the number of outputs of each served model. */
  setModels(models) {
    this.#models = models;
    this.#showControl();
  }

  /** Asks for the stream's newest data, and shows it. Does nothing while an earlier call is waiting for its answer. */
  async refresh() {
    if (this.#isBusy || this.stream === null) return;
    this.#isBusy = true;
    const { stream } = this;
    try {
      const streams = [stream];
      const [history, status] = await Promise.all([this.#histories.ask({ streams }, streams), call('stream', { stream })]);
      if (stream === this.stream) this.#take(history.streams[0], status);
      if (this.#showsState && Date.now() - this.#stateTime > STATE_INTERVAL) await this.#refreshState();
    } catch (error) {
      if (stream === this.stream) setNote(byID('one-note'), error.message);
    } finally {
      this.#isBusy = false;
    }
    // The view may have changed to another stream in the meantime.
    if (this.stream !== null && stream !== this.stream) this.refresh();
  }

  #take(entry, status) {
    [this.#entry, this.#status] = [entry ?? this.#entry, status];
    setNote(byID('one-note'), this.#entry?.times.length ? '' : 'The daemon has no history of this stream.');
    byID('one-body').hidden = false;
    byID('one-course').hidden = !this.#entry?.times.length;
    this.#show();
  }

  // MARK: Showing

  #show() {
    const { times: xs, probabilities: ys, marks, threshold } = this.#entry ?? NO_HISTORY;
    const lines = threshold === null ? [] : levels(this.#models.find((model) => model.name === this.#entry.model)?.threshold);
    const names = lines.length > 1 ? ['rise', 'fall'] : ['threshold'];
    if (xs.length > 1) this.#byTime ??= !isCrowded(xs, byID('one-plot').clientWidth);
    const isByTime = this.#byTime ?? true;
    const course = isByTime ? { xs, marks } : placed(xs, marks);
    setText(byID('axis'), isByTime ? 'By decision' : 'By time');
    this.#plot.change(isByTime ? TIME_AXIS : PLACE_AXIS);
    this.#plot.change({ range: range(ys, lines) });
    this.#plot.set({
      curves: [{ name: 'probability', xs: course.xs, ys }], marks: course.marks,
      levels: lines.map((value, index) => ({ value, name: `${names[index]} ${value}` })),
    });
    this.#describe(xs, ys, marks);
    this.#showCounters();
    setText(byID('act-pause'), this.#status.paused ? 'Resume' : 'Pause');
  }

  #describe(xs, ys, marks) {
    const text = xs.length
      ? `${quantity(xs.length, 'decision')}, ${period(xs[0], xs.at(-1))}, ${quantity(marks.length, 'mark')}`
      : '';
    setText(byID('one-about'), text);
    byID('one-plot').setAttribute('aria-label', `Plot of the probability: ${text}; last ${output(ys.at(-1))}`);
    if (byID('one-readout').dataset.pointed !== 'yes') this.#readOut(null);
  }

  /** Shows the decision at the pointer, or the last decision if there is no pointer. */
  #readOut(index) {
    const { times: xs, probabilities: ys } = this.#entry ?? NO_HISTORY;
    byID('one-readout').dataset.pointed = index === null ? 'no' : 'yes';
    const at = index ?? xs.length - 1;
    const label = index === null && this.#status ? `, label ${labelText(this.#status.label)}` : '';
    setText(byID('one-readout'), at < 0 ? '–' : `${output(ys[at])}${label} at ${clock(xs[at])}`);
  }

  #showCounters() {
    const status = this.#status;
    const probability = single(status.probability);
    setPairs(byID('one-counters'), [
      ['model', status.model],
      ['probability', Array.isArray(status.probability) ? status.probability.map(output).join(', ') : output(probability)],
      ['label', labelText(status.label)],
      ['timesteps', count(status.sequence)],
      ['since reset', quantity(status.step, 'timestep')],
      ['idle', age(status.idle_s)],
      ['gaps', count(status.gaps)],
      ['duplicates', count(status.duplicates)],
      ['broken states', count(status.quarantined)],
      ['waiting', quantity(status.waiting, 'timestep')],
      ['condition', status.paused ? '‖ paused' : status.asleep ? '☾ hibernating' : '▶ active'],
    ]);
  }

  #showControl() {
    const { isAvailable } = this.#control;
    byID('one-actions').hidden = !isAvailable;
    byID('one-readonly').hidden = isAvailable;
    byID('show-state').hidden = !isAvailable || this.#showsState;
    if (!isAvailable && !this.#showsState) {
      const text = 'The state is shown if sluiced has a token for this page: --http-control FILE.';
      byID('one-state').replaceChildren(element('p.dim', { text }));
    } else if (!this.#showsState) {
      byID('one-state').replaceChildren();
    }
  }

  // MARK: State

  async #showState() {
    this.#showsState = true;
    await this.#attempt(() => this.#refreshState());
    this.#showControl();
  }

  async #refreshState() {
    this.#stateTime = Date.now();
    const record = await this.#control.call('export', { stream: this.stream });
    if (!record) {
      this.#showsState = false;
      return;
    }
    const outputs = this.#models.find((model) => model.name === record.model)?.outputs ?? 0;
    drawState(byID('one-state'), decode(record.state), outputs, record.fingerprint);
  }

  // MARK: Actions

  #listen() {
    byID('zoom-in').onclick = () => this.#plot.zoom(0.5);
    byID('zoom-out').onclick = () => this.#plot.zoom(2);
    byID('zoom-all').onclick = () => this.#plot.showAll();
    byID('axis').onclick = () => {
      this.#byTime = byID('axis').textContent === 'By time';
      this.#show();
    };
    byID('show-state').onclick = () => this.#showState();
    byID('act-reset').onclick = () => this.#attempt(() => this.#reset());
    byID('act-pause').onclick = () => this.#attempt(() => this.#pause());
    byID('act-snapshot').onclick = () => this.#attempt(() => this.#snapshot());
    byID('act-export').onclick = () => this.#attempt(() => this.#export());
  }

  /** Runs an action and shows its outcome. */
  async #attempt(action) {
    try {
      const outcome = await action();
      if (outcome) setText(byID('one-outcome'), `✓ ${outcome} at ${clock(Date.now() / 1000)}`);
    } catch (error) {
      setText(byID('one-outcome'), `✕ ${error.message}`);
    }
    this.refresh();
  }

  async #reset() {
    const { stream } = this;
    const steps = quantity(this.#status?.step ?? 0, 'timestep');
    const answer = await ask({
      title: 'Reset state', confirm: 'Reset',
      text: `The state of ${stream} becomes zero: ${steps} since the last reset are forgotten. All others continue.`,
    });
    return answer !== null && await this.#control.call('reset', { stream }) && 'Reset';
  }

  async #pause() {
    const method = this.#status?.paused ? 'resume' : 'pause';
    const answer = await this.#control.call(method, { stream: this.stream });
    return answer && (method === 'pause' ? 'Paused: timesteps wait' : 'Resumed');
  }

  async #snapshot() {
    const value = `page-${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`;
    const name = await ask({
      title: 'Snapshot', text: `Stores a copy of the state of ${this.stream} under a name.`, confirm: 'Store',
      name: 'Name', value,
    });
    return name && await this.#control.call('snapshot', { name, stream: this.stream }) && `Snapshot ${name} stored`;
  }

  async #export() {
    const record = await this.#control.call('export', { stream: this.stream });
    if (!record) return null;
    download(`${this.stream.replace(/[^\w.-]+/g, '_')}.json`, `${JSON.stringify(record)}\n`);
    return 'Exported';
  }
}

/** Saves text as a file. */
function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  element('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** Decodes little-endian float32 values from base64. */
function decode(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length >> 2 }, (_, index) => view.getFloat32(4 * index, true));
}

/**
 * Draws a stream's state. In `values`, the last outputs follow the state. The state of an LSTM layer is its hidden
 * state, followed by its cell state of the same size.
 */
function drawState(root, values, outputs, fingerprint) {
  const state = values.subarray(0, values.length - outputs);
  if (!state.length) {
    root.replaceChildren(element('p.dim', { text: 'This stream has no state.' }));
    return;
  }
  let canvas = root.querySelector('canvas');
  if (!canvas) {
    canvas = element('canvas.heat', { role: 'img' });
    root.replaceChildren(canvas, element('p.dim'));
  }
  const columns = Math.min(STATE_COLUMNS, state.length % 2 ? state.length : state.length / 2);
  const most = Math.max(1, ...state.map(Math.abs));
  canvas.classList.toggle('tall', state.length > 4 * columns);
  drawHeatMap(canvas, state, columns, most);
  const kind = fingerprint.includes(':') ? 'timesteps that wait' : 'values: hidden state, then cell state';
  const scale = `Blue with – is below 0, orange above; full at ±${output(most)}.`;
  const text = `${count(state.length)} ${kind}, layer by layer. ${scale}`;
  setText(root.lastElementChild, text);
  const first = [...state.subarray(0, 64)].map((value) => value.toFixed(2));
  canvas.setAttribute('aria-label', `Heat map of ${text} ${first.join(' ')}`);
}
