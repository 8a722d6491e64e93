/**
 * The last decisions of streams. The page asks only for decisions that it does not have yet.
 */
import { call } from './connection.js';

/**
 * The overlap of consecutive questions, in seconds. It covers decisions made while the previous answer was being built.
 */
const OVERLAP = 1;
/**
 * The maximum number of ids in one question. Even with the longest ids, the question fits into the 16 KiB that the
 * daemon accepts.
 */
export const MOST_ASKED = 50;

/** The histories of streams, as far as the page has received them. */
export class Histories {
  #known = new Map();
  #kept;

  /** @param {?number} kept The number of decisions to keep for each stream; null for as many as the daemon keeps. */
  constructor(kept = null) {
    this.#kept = kept;
  }

  /**
   * Asks for the new decisions of streams, and adds them to the known histories.
   *
   * @param {Object} question The parameters of the control method `history`.
   * @param {string[]} expected The streams that the answer will probably contain.
   * @returns {Promise<Object>} The answer, with complete histories.
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

  /** Forgets all streams except the given ones. */
  keep(streams) {
    for (const stream of this.#known.keys()) {
      if (!streams.has(stream)) this.#known.delete(stream);
    }
  }

  /** Returns the time after which to ask for decisions of the expected streams; null to ask for all decisions. */
  #since(expected) {
    const times = expected.map((stream) => this.#known.get(stream)?.asOf ?? null).filter((time) => time !== null);
    return times.length ? Math.min(...times) - OVERLAP : null;
  }

  #isKnown(stream, since) {
    const asOf = this.#known.get(stream)?.asOf ?? null;
    return asOf !== null && asOf - OVERLAP >= since;
  }

  /** Returns an answer's entry, preceded by the known decisions and marks up to `since`. */
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

/** Asks for the complete histories of streams, and returns them by id. */
async function wholeHistories(streams) {
  const found = new Map();
  for (let start = 0; start < streams.length; start += MOST_ASKED) {
    const answer = await call('history', { streams: streams.slice(start, start + MOST_ASKED) });
    for (const entry of answer.streams) found.set(entry.stream, entry);
  }
  return found;
}

/** Returns an entry with the time up to which it is complete. */
function withTime(entry, asOf) {
  return { ...entry, asOf };
}

/**
 * Returns the time of an answer's newest decision or mark; null if there is none. The daemon answered no earlier than
 * at this time.
 */
function newestTime(entries) {
  const times = entries.flatMap(({ times: decisions, marks }) => [decisions.at(-1), marks.at(-1)?.time])
    .filter((time) => time !== undefined);
  return times.length ? Math.max(...times) : null;
}
