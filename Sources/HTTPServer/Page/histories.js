/**
 * The last decisions of streams, asked for piece by piece: what is known is not asked for again.
 */
import { call } from './connection.js';

/** The time in seconds that each question repeats, for decisions that were made while the last answer was. */
const OVERLAP = 1;
/** The number of ids in one question. Even the longest ids then fit the 16 KiB that the daemon reads. */
export const MOST_ASKED = 50;

/** Histories of the streams that were asked for last. */
export class Histories {
  #known = new Map();
  #kept;

  /** @param {?number} kept The number of decisions to keep of a stream; null for as many as the daemon keeps. */
  constructor(kept = null) {
    this.#kept = kept;
  }

  /**
   * Asks for streams, and completes their histories with what is known.
   *
   * @param {Object} question The parameters of the control method `history`.
   * @param {string[]} expected The streams that the answer will probably have.
   * @returns {Promise<Object>} The answer, as if the question had asked for everything.
   */
  async ask(question, expected) {
    const since = this.#since(expected);
    const answer = await call('history', since === null ? question : { ...question, since });
    const newest = newestTime(answer.streams);
    const lacking = answer.streams.filter(({ stream }) => !this.#isKnown(stream, since)).map(({ stream }) => stream);
    const whole = since === null ? new Map() : await wholeHistories(lacking);
    const kept = this.#kept ?? answer.points;
    answer.streams = answer.streams.map((entry) =>
      (whole.has(entry.stream) ? withTime(whole.get(entry.stream), newest) : this.#completed(entry, since, newest, kept)));
    for (const entry of answer.streams) this.#known.set(entry.stream, entry);
    return answer;
  }

  /** Forgets all streams but these. */
  keep(streams) {
    for (const stream of this.#known.keys()) {
      if (!streams.has(stream)) this.#known.delete(stream);
    }
  }

  /** Returns the time up to which everything is known of the expected streams; null if there is no such time. */
  #since(expected) {
    const times = expected.map((stream) => this.#known.get(stream)?.asOf ?? null).filter((time) => time !== null);
    return times.length ? Math.min(...times) - OVERLAP : null;
  }

  #isKnown(stream, since) {
    const asOf = this.#known.get(stream)?.asOf ?? null;
    return asOf !== null && asOf - OVERLAP >= since;
  }

  /** Returns an entry with the decisions and marks up to `since` that are known, before those in the answer. */
  #completed(entry, since, newest, kept) {
    const old = this.#known.get(entry.stream);
    if (!old || since === null) return withTime(entry, newest);
    const end = old.times.findLastIndex((time) => time <= since) + 1;
    const times = [...old.times.slice(0, end), ...entry.times].slice(-kept);
    const probabilities = [...old.probabilities.slice(0, end), ...entry.probabilities].slice(-kept);
    const marks = [...old.marks.filter(({ time }) => time <= since), ...entry.marks]
      .filter(({ time }) => times.length && time >= times[0]).slice(-kept);
    return withTime({ ...entry, times, probabilities, marks }, newest ?? old.asOf);
  }
}

/** Returns the whole histories of streams, by id. */
async function wholeHistories(streams) {
  const found = new Map();
  for (let start = 0; start < streams.length; start += MOST_ASKED) {
    const answer = await call('history', { streams: streams.slice(start, start + MOST_ASKED) });
    for (const entry of answer.streams) found.set(entry.stream, entry);
  }
  return found;
}

/** Returns an entry that notes the time up to which it has everything. */
function withTime(entry, asOf) {
  return { ...entry, asOf };
}

/** Returns the time of the newest decision or mark: the daemon answered at this time or later. Null if there is none. */
function newestTime(entries) {
  const times = entries.flatMap(({ times: decisions, marks }) => [decisions.at(-1), marks.at(-1)?.time])
    .filter((time) => time !== undefined);
  return times.length ? Math.max(...times) : null;
}
