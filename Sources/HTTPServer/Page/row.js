/**
 * One row of the table of streams, and its columns.
 */
import { element, setText } from './elements.js';
import { age, count, duration, output } from './format.js';
import { drawSparkline, isCrowded, placed } from './plot.js';

/** The columns. `key` returns the value to sort by, and `order` is the order after the first click. */
export const COLUMNS = [
  { name: 'Stream', className: 'id', key: (entry) => entry.stream, order: 1 },
  { name: 'Label', className: 'label', key: (entry) => entry.label ?? -1, order: -1 },
  { name: 'Probability', className: 'number', key: (entry) => single(entry.probability) ?? -Infinity, order: -1 },
  { name: 'Last decisions: ┄ threshold │ reset ⋮ gap', className: 'course' },
  { name: 'Idle', className: 'number idle', key: (entry) => entry.idle_seconds, order: 1 },
  { name: 'Timesteps', className: 'number steps', key: (entry) => entry.timesteps, order: -1 },
  { name: 'Gaps', className: 'number gaps', key: (entry) => entry.gaps, order: -1 },
  { name: 'Duplicates', className: 'number duplicates', key: (entry) => entry.duplicates, order: -1 },
  { name: 'Model', className: 'model-name', key: (entry) => entry.model, order: 1 },
];

/** Returns a model's only output, or the largest of several. */
export function single(probability) {
  return Array.isArray(probability) ? Math.max(...probability) : probability;
}

/** Returns a label with a shape, so that 0 and 1 differ in more than a digit. */
export function labelText(label) {
  if (label === null || label === undefined) return '–';
  if (label > 1) return String(label);
  return label === 1 ? '● 1' : '○ 0';
}

/** One row of the table. */
export class Row {
  constructor(stream) {
    this.root = element('tr', { role: 'row', tabindex: '-1' });
    this.root.dataset.stream = stream;
    this.canvas = element('canvas', { role: 'img' });
    this.span = element('span.dim');
    this.cells = COLUMNS.map(({ className }) => element('td', { role: 'cell', class: className }));
    this.cells[0].append(element('span', { text: stream }), element('span.badge', { hidden: '' }));
    this.cells[3].append(this.canvas, this.span);
    this.root.append(...this.cells);
  }

  show(entry, lines, isSeen) {
    const [id, label, probability, , idle, steps, gaps, duplicates, model] = this.cells;
    this.root.classList.toggle('gone', Boolean(entry.isGone));
    const badge = entry.isGone ? 'removed' : entry.paused ? '‖ paused' : '';
    setText(id.lastElementChild, badge);
    id.lastElementChild.hidden = !badge;
    setText(label, labelText(entry.label));
    setText(probability, output(single(entry.probability)));
    setText(idle, age(entry.idle_seconds));
    setText(steps, count(entry.timesteps));
    setText(gaps, count(entry.gaps));
    setText(duplicates, count(entry.duplicates));
    setText(model, entry.model);
    if (isSeen) this.#draw(entry, lines);
  }

  #draw(entry, lines) {
    const { times, probabilities, marks } = entry;
    const course = isCrowded(times, this.canvas.clientWidth) ? placed(times, marks) : { xs: times, marks };
    drawSparkline(this.canvas, { xs: course.xs, ys: probabilities }, {
      range: range(probabilities, lines), levels: lines, marks: course.marks,
    });
    const span = times.length > 1 ? duration(times.at(-1) - times[0]) : '';
    setText(this.span, span);
    this.canvas.setAttribute('aria-label', `${count(times.length)} decisions${span && ` in ${span}`}`);
  }
}

/** Returns the range of a plot: from 0 to 1, extended to include all values and lines. */
export function range(values, lines) {
  let [low, high] = [0, 1];
  for (const value of [...values, ...lines]) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
