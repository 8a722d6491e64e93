/**
 * The served models: their labels over time and the distribution of their outputs.
 */
import { element, setPairs, setText } from './elements.js';
import { count, percent, quantity } from './format.js';
import { drawBars, drawSparkline } from './plot.js';

const MINUTE = 60;
/** The number of labels to show for a model with many classes. All other labels share one line. */
const SHOWN_LABELS = 5;

/** Returns the thresholds of a model as an array: none, one, or two for a hysteresis. */
export function levels(threshold) {
  if (threshold === null || threshold === undefined) return [];
  if (typeof threshold === 'number') return [threshold];
  return threshold.rise === threshold.fall ? [threshold.rise] : [threshold.rise, threshold.fall];
}

/** Returns how a model's outputs become a label. */
function rule({ outputs, threshold }) {
  if (outputs > 1) return 'largest output';
  return levels(threshold).join(' up, ') + (levels(threshold).length > 1 ? ' down' : '');
}

/** The models on the page. */
export class Models {
  #root;
  #panels = new Map();

  constructor(root) {
    this.#root = root;
  }

  /** Shows the models in an event. */
  show(event, recorder) {
    const counters = new Map((event.models ?? []).map((model) => [model.name, model]));
    for (const model of event.status.models) {
      if (!this.#panels.has(model.name)) {
        const panel = new ModelPanel(model.name);
        this.#panels.set(model.name, panel);
        this.#root.append(panel.root);
      }
      this.#panels.get(model.name).show(model, counters.get(model.name), recorder);
    }
    this.#dropOthers(new Set(event.status.models.map((model) => model.name)));
  }

  #dropOthers(names) {
    for (const [name, panel] of this.#panels) {
      if (names.has(name)) continue;
      panel.root.remove();
      this.#panels.delete(name);
    }
  }
}

class ModelPanel {
  constructor(name) {
    this.pairs = element('dl.pairs');
    this.streamShares = element('p.shares');
    this.shares = element('p.shares');
    this.course = element('canvas', { role: 'img' });
    this.bars = element('canvas', { role: 'img' });
    this.scale = element('p.scale.dim', {}, element('span', { text: '0' }), element('span', { text: '1' }));
    this.courseTitle = element('h4');
    this.outputs = element('div', {}, element('h4', { text: 'Outputs since the start' }), this.bars, this.scale);
    this.root = element('article.panel.model', {},
      element('div', {}, element('h3', { text: name }), this.pairs),
      element('div', {}, this.courseTitle, this.course, this.streamShares, this.shares),
      this.outputs);
  }

  show(model, counters, recorder) {
    setPairs(this.pairs, [
      ['fingerprint', model.fingerprint.slice(0, 12)],
      ['mode', model.mode],
      ['label 1 at', rule(model)],
      ['timestep', model.tokens ? `1 of ${count(model.tokens)} tokens` : `${quantity(model.features, 'feature')}`],
      ['outputs', count(model.outputs)],
      ['weights', count(model.parameters)],
      ['streams', prefixes(model.prefixes)],
    ]);
    this.pairs.children[0].lastElementChild.title = model.fingerprint;
    if (counters) this.#showDecisions(model, counters, recorder);
  }

  #showDecisions(model, counters, recorder) {
    const now = recorder.streamShares(model.name);
    const label = model.outputs === 1 ? '1' : now[0]?.label ?? '0';
    setText(this.courseTitle, `Streams at label ${label}, 0–100 %`);
    drawSparkline(this.course, recorder.streamShare(model.name, label), { range: [0, 1] });
    const share = now.find((each) => each.label === label)?.share ?? 0;
    this.course.setAttribute('aria-label', `Share of streams at label ${label}; now ${percent(share)}`);
    showShares(this.streamShares, 'Streams now', now, 'No stream has decided yet');
    showShares(
      this.shares, 'Decisions in the last minute', recorder.shares(model.name, MINUTE), 'No decision in the last minute');
    // Outputs that are not probabilities have no fixed range.
    this.outputs.hidden = !counters.probabilities;
    if (!counters.probabilities) return;
    drawBars(this.bars, counters.probabilities, model.outputs === 1 ? levels(model.threshold) : []);
    this.bars.setAttribute('aria-label', `Histogram of outputs in 20 parts of 0.05: ${counters.probabilities.join(', ')}`);
  }
}

/** Shows the most frequent labels in one line. */
function showShares(list, title, shares, empty) {
  const lines = shares.slice(0, SHOWN_LABELS).map(({ label, share }) => `label ${label}: ${percent(share)}`);
  const rest = shares.slice(SHOWN_LABELS);
  if (rest.length) lines.push(`${count(rest.length)} others: ${percent(rest.reduce((sum, each) => sum + each.share, 0))}`);
  setText(list, lines.length ? `${title}: ${lines.join(', ')}` : empty);
}

function prefixes(list) {
  return list.map((prefix) => (prefix === '' ? 'all others' : `${prefix}…`)).join(', ') || 'all';
}
