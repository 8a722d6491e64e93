/**
 * The daemon's counters of the last minutes, and the rates and quantiles that follow from them.
 */

/** The number of samples kept: five minutes at one a second. */
const KEPT = 300;

/** Samples of one run of the daemon, oldest first. */
export class Recorder {
  samples = [];

  #instance = null;

  /**
   * Adds the data of one event. Another instance of the daemon begins its counters anew, so the samples of the one
   * before are dropped.
   */
  add(event) {
    const { status } = event;
    if (event.instance !== this.#instance) this.samples = [];
    this.#instance = event.instance;
    this.samples.push({
      time: event.time,
      timesteps: status.timesteps,
      decisions: status.decisions,
      gaps: status.gaps,
      duplicates: status.duplicates,
      messages: event.messages,
      dropped: Object.values(status.dropped).reduce((sum, each) => sum + each, 0),
      memory: status.memory_bytes,
      latency: event.latency,
      labels: new Map((event.models ?? []).map((model) => [model.name, model.labels])),
    });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /** Returns the first sample of the last `seconds`, for a comparison with the last sample. */
  since(seconds) {
    const last = this.samples.at(-1);
    return this.samples.find((sample) => last.time - sample.time <= seconds + 0.5);
  }

  /** Returns the increase of a counter in the last `seconds`. */
  increase(key, seconds) {
    return this.samples.at(-1)[key] - this.since(seconds)[key];
  }

  /** Returns the mean rate of a counter per second over the last `seconds`; null while there is one sample. */
  rate(key, seconds) {
    const passed = this.samples.at(-1).time - this.since(seconds).time;
    return passed > 0 ? this.increase(key, seconds) / passed : null;
  }

  /** Returns the course of a counter's rate. */
  rates(key) {
    return this.#steps((before, after, passed) => (after[key] - before[key]) / passed);
  }

  /** Returns the course of a gauge. */
  gauge(key) {
    const samples = this.samples.filter((sample) => sample[key] !== undefined);
    return { xs: samples.map((sample) => sample.time), ys: samples.map((sample) => sample[key]) };
  }

  /** Returns the course of a latency's quantile. */
  latencies(part) {
    return this.#steps((before, after) => quantile(before.latency, after.latency, part));
  }

  /** Returns a latency's quantile over the last `seconds`; null if nothing was decided. */
  latency(part, seconds) {
    return quantile(this.since(seconds).latency, this.samples.at(-1).latency, part);
  }

  /** Returns the share of each label in a model's decisions of the last `seconds`, most frequent first. */
  shares(model, seconds) {
    return shares(this.since(seconds).labels.get(model), this.samples.at(-1).labels.get(model));
  }

  /** Returns the course of a label's share in a model's decisions. */
  share(model, label) {
    return this.#steps((before, after) =>
      shares(before.labels.get(model), after.labels.get(model)).find((each) => each.label === label)?.share ?? null);
  }

  /** Returns a value of each pair of neighbours, at the time of the later one. */
  #steps(value) {
    const course = { xs: [], ys: [] };
    for (let index = 1; index < this.samples.length; index += 1) {
      const [before, after] = [this.samples[index - 1], this.samples[index]];
      if (after.time <= before.time) continue;
      course.xs.push(after.time);
      course.ys.push(value(before, after, after.time - before.time));
    }
    return course;
  }
}

/**
 * Returns a latency's quantile between two samples of the cumulative histogram, interpolated within its bucket as
 * Prometheus does; null if nothing was decided. The last bucket has no bound.
 */
function quantile(before, after, part) {
  const counts = after.counts.map((total, index) => total - before.counts[index]);
  const all = counts.at(-1);
  if (all === 0) return null;
  const index = counts.findIndex((total) => total >= part * all);
  const [start, below] = index > 0 ? [after.bounds[index - 1], counts[index - 1]] : [0, 0];
  const end = after.bounds[index];
  return end === undefined ? start : start + (end - start) * (part * all - below) / (counts[index] - below);
}

/** Returns the share of each label among the decisions between two counts, most frequent first. */
function shares(before = {}, after = {}) {
  const counts = Object.entries(after).map(([label, total]) => ({ label, count: total - (before[label] ?? 0) }));
  const all = counts.reduce((sum, each) => sum + each.count, 0);
  if (all === 0) return [];
  return counts.map(({ label, count }) => ({ label, share: count / all })).sort((a, b) => b.share - a.share);
}
