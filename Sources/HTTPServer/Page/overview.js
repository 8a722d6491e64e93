/**
 * The tiles: the daemon at a glance.
 */
import { longestLag, unserved } from './cluster.js';
import { element, setText } from './elements.js';
import { age, bytes, count, duration, quantity, rate } from './format.js';
import { drawSparkline } from './plot.js';

/** The time span of rates, in seconds: short enough to show a change soon, and long enough for steady figures. */
const RECENT = 10;
const MINUTE = 60;

/**
 * The tiles, in order. `value` returns the large figure, `unit` is the text beside it, `about` returns the lines below,
 * and `course` returns the values of the sparkline over time. If `problem` returns a sentence, the tile is marked and
 * shows it.
 */
const TILES = [
  {
    name: 'Decisions', unit: '/s',
    value: ({ recorder }) => perSecond(recorder, 'decisions'),
    about: ({ status }) => [`${count(status.decisions)} since the start`],
    course: ({ recorder }) => recorder.rates('decisions'),
  },
  {
    name: 'Timesteps', unit: '/s',
    value: ({ recorder }) => perSecond(recorder, 'timesteps'),
    about: ({ recorder }) => [`${perSecond(recorder, 'messages')} messages/s`],
    course: ({ recorder }) => recorder.rates('timesteps'),
  },
  {
    name: 'Latency', unit: 'p50, 1 min',
    isShown: ({ event }) => Boolean(event.latency),
    value: ({ recorder }) => latency(recorder, 0.5),
    about: ({ recorder }) => [`p99 ${latency(recorder, 0.99)}, from receipt to publication`],
    course: ({ recorder }) => recorder.latencies(0.99),
  },
  {
    name: 'Streams', unit: '',
    value: ({ status }) => count(status.streams),
    about: ({ status }) => [`${count(status.paused)} paused, ${count(status.asleep)} hibernating`],
    problem: ({ status }) => status.stuck > 0 && `${quantity(status.stuck, 'stream')} stuck: every timestep is a duplicate`,
  },
  {
    name: 'Partitions', unit: 'here',
    isShown: ({ event }) => Boolean(event.cluster),
    value: ({ event: { cluster } }) => count(cluster.partitions.filter(({ owner }) => owner === cluster.node).length),
    about: ({ event: { cluster } }) => [`of ${count(cluster.partitions.length)}, on ${quantity(cluster.nodes.length, 'node')}`],
    problem: ({ event: { cluster } }) => unserved(cluster),
  },
  {
    name: 'Lag', unit: '',
    isShown: ({ event }) => Boolean(event.cluster),
    value: ({ event: { cluster } }) => (longestLag(cluster) === null ? '–' : age(longestLag(cluster))),
    about: () => ['the longest of the partitions here'],
    problem: ({ event: { cluster } }) => longestLag(cluster) > 1 && 'the node is not ready',
  },
  {
    name: 'Dropped', unit: '',
    value: ({ status }) => count(sum(status.dropped)),
    about: ({ status }) => causes(status.dropped),
    problem: ({ recorder }) => recent(recorder, 'dropped'),
  },
  {
    name: 'Gaps', unit: '',
    value: ({ status }) => count(status.gaps),
    about: ({ status, recorder }) => [
      `${count(recorder.increase('gaps', MINUTE))} in the last minute`,
      `${quantity(status.duplicates, 'duplicate')}, ${count(recorder.increase('duplicates', MINUTE))} in the last minute`,
    ],
  },
  {
    name: 'Checkpoint', unit: '',
    isShown: ({ status }) => Boolean(status.state_folder),
    value: ({ status, event }) => (status.checkpoint ? `${age(event.time - status.checkpoint.time / 1e9)} ago` : 'none'),
    about: ({ status }) => [checkpoint(status)],
    problem: ({ status }) => status.state_folder_error ?? status.checkpoint_error,
  },
  {
    name: 'Journal', unit: '',
    isShown: ({ status }) => Boolean(status.journal),
    value: ({ status }) => bytes(status.journal.bytes),
    about: () => ['since the last checkpoint'],
    problem: ({ status }) => status.journal.failed && (status.journal.error ?? 'a write failed'),
  },
  {
    name: 'Memory', unit: '',
    isShown: ({ status }) => status.memory_bytes !== undefined,
    value: ({ status }) => bytes(status.memory_bytes),
    about: ({ event, status }) => [memory(event, status)],
    course: ({ recorder }) => recorder.gauge('memory'),
  },
  {
    name: 'Refused connections', unit: '',
    value: ({ status }) => count(sum(status.refused_connections)),
    about: ({ status }) => [
      `${quantity(status.subscriber_overflows, 'subscriber overflow')}`, `${quantity(status.quarantined, 'broken state')} reset`,
    ],
    problem: ({ status: { file_exhaustions: times } }) =>
      times > 0 && `the limit on open files was reached ${quantity(times, 'time')}`,
  },
];

function sum(counts = {}) {
  return Object.values(counts).reduce((total, each) => total + each, 0);
}

function perSecond(recorder, key) {
  const value = recorder.rate(key, RECENT);
  return value === null ? '–' : rate(value);
}

function latency(recorder, part) {
  const seconds = recorder.latency(part, MINUTE);
  return seconds === null ? '–' : duration(seconds);
}

/** Returns the causes of drops, most frequent first. */
function causes(dropped) {
  const found = Object.entries(dropped).filter(([, total]) => total > 0).sort((a, b) => b[1] - a[1]);
  return found.length ? found.map(([cause, total]) => `${count(total)} ${cause}`) : ['no timestep was dropped'];
}

function recent(recorder, key) {
  const increase = recorder.increase(key, MINUTE);
  return increase > 0 && `${count(increase)} in the last minute`;
}

function memory({ cluster }, status) {
  if (cluster) return 'resident; NATS stores the state';
  return status.state_folder ? 'resident' : 'resident; state is in memory only';
}

function checkpoint({ checkpoint: last }) {
  return last ? `${quantity(last.streams, 'stream')} in ${duration(last.duration_ms / 1000)}` : 'since the start';
}

/** The tiles on the page. */
export class Overview {
  #tiles;

  constructor(root) {
    this.#tiles = TILES.map((kind) => new Tile(kind));
    root.append(...this.#tiles.map((tile) => tile.root));
  }

  /** Shows the newest data: the daemon's latest event, and the earlier data in the recorder. */
  show(event, recorder) {
    const data = { event, status: event.status, recorder };
    for (const tile of this.#tiles) tile.show(data);
  }
}

class Tile {
  constructor(kind) {
    this.kind = kind;
    this.value = element('strong');
    this.unit = element('span', { text: kind.unit });
    this.about = element('ul.dim');
    this.problem = element('p.problem', { hidden: '' });
    this.canvas = kind.course ? element('canvas', { 'aria-hidden': 'true' }) : null;
    const title = element('h3', { text: kind.name });
    const figure = element('p.figure', {}, this.value, ' ', this.unit);
    this.root = element('div.tile', {}, title, figure, this.about, this.problem, ...(this.canvas ? [this.canvas] : []));
  }

  show(data) {
    this.root.hidden = this.kind.isShown ? !this.kind.isShown(data) : false;
    if (this.root.hidden) return;
    setText(this.value, this.kind.value(data));
    this.#list(this.kind.about(data));
    const problem = this.kind.problem?.(data) || '';
    setText(this.problem, problem ? `▲ ${problem}` : '');
    this.problem.hidden = !problem;
    this.root.classList.toggle('bad', Boolean(problem));
    if (this.canvas) drawSparkline(this.canvas, this.kind.course(data));
  }

  #list(lines) {
    while (this.about.children.length > lines.length) this.about.lastElementChild.remove();
    lines.forEach((line, index) => {
      if (!this.about.children[index]) this.about.append(element('li'));
      setText(this.about.children[index], line);
    });
  }
}
