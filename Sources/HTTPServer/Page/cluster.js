/**
 * The cluster as this node sees it: its nodes, its partitions, and the last take-overs of this node.
 */
import { byID, element, setNote, setText } from './elements.js';
import { clock, count, duration, quantity } from './format.js';

/** The lag, in seconds, from which on a partition is marked. A node with such a partition is not ready. */
const LATE = 1;

/** Returns the sentence about partitions that no node serves; an empty string if all are served. */
export function unserved({ partitions }) {
  const orphans = partitions.filter(({ owner }) => !owner);
  if (!orphans.length) return '';
  return `${quantity(orphans.length, 'partition')} without an owner: ${orphans.map(({ partition }) => partition).join(', ')}`;
}

/** Returns the longest lag of this node's partitions in seconds; null if the node has none. */
export function longestLag({ partitions }) {
  const lags = partitions.map((partition) => partition.lag_s).filter((lag) => lag !== undefined);
  return lags.length ? Math.max(...lags) : null;
}

/** The section about the cluster. It is hidden on a daemon that belongs to no cluster. */
export class ClusterView {
  #partitions = new Map();

  /** Shows the cluster of an event. */
  show({ cluster }) {
    byID('cluster').hidden = !cluster;
    if (!cluster) return;
    const served = cluster.partitions.filter(({ state }) => state === 'serving').length;
    setText(byID('cluster-about'),
      `seen by ${cluster.node}: ${quantity(cluster.nodes.length, 'node')}, ${count(served)} of ${quantity(cluster.partitions.length, 'partition')} served`);
    setNote(byID('cluster-note'), unserved(cluster) && `▲ ${unserved(cluster)}`);
    showRows(byID('nodes'), cluster.nodes.map((node) => nodeRow(node, cluster)));
    for (const partition of cluster.partitions) this.#showPartition(partition, cluster.node);
    showTakeOvers(cluster.take_overs);
  }

  #showPartition(partition, node) {
    const { partition: number, owner, state, lag, lag_s: seconds, streams } = partition;
    if (!this.#partitions.has(number)) {
      const cell = element('li', {}, element('strong', { text: number }), element('span'), element('span.dim'));
      this.#partitions.set(number, cell);
      byID('partitions').append(cell);
    }
    const cell = this.#partitions.get(number);
    const isLate = seconds > LATE;
    cell.className = [state ?? 'none', owner === node && 'own', isLate && 'late'].filter(Boolean).join(' ');
    setText(cell.children[1], owner ?? '▲ no owner');
    const lagTime = seconds === undefined ? '' : `, ${duration(seconds)}`;
    const lagText = lag > 0 ? `${quantity(lag, 'message')} behind${lagTime}` : '';
    const own = [state !== 'serving' && state, isLate || lag > 0 ? lagText : streams !== undefined && quantity(streams, 'stream')];
    setText(cell.children[2], own.filter(Boolean).join(', '));
  }
}

function nodeRow({ name, presence, partitions, http, control, version }, { node }) {
  const isHere = name === node;
  return [
    { text: isHere ? `${name} (this node)` : name, link: isHere ? null : http },
    { text: presence },
    { text: count(partitions), isNumber: true },
    { text: control ?? '–' },
    { text: version },
  ];
}

/** Replaces the rows of a table if their content has changed. */
function showRows(body, rows) {
  const content = JSON.stringify(rows);
  if (body.dataset.content === content) return;
  body.dataset.content = content;
  body.replaceChildren(...rows.map((cells) => element('tr', {}, ...cells.map(cellOf))));
}

function cellOf({ text, link, isNumber }) {
  const cell = element(isNumber ? 'td.number' : 'td');
  if (link && /^https?:/.test(link)) cell.append(element('a', { text, href: link, rel: 'noreferrer' }));
  else cell.textContent = text;
  return cell;
}

function showTakeOvers(takeOvers) {
  byID('take-overs-panel').hidden = !takeOvers.length;
  showRows(byID('take-overs'), takeOvers.map(({ time, partition, reason, claim_s: claim, restore_s: restore, replay_s: replay }) => [
    { text: clock(time) },
    { text: count(partition), isNumber: true },
    { text: reason },
    ...[claim, restore, replay].map((part) => ({ text: part === undefined ? '–' : duration(part), isNumber: true })),
  ]));
}
