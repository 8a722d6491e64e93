/**
 * The daemon's counters over the last minutes, and the rates and quantiles derived from them.
 */

/** The number of samples kept: five minutes at one per second. */
const KEPT = 300;

/** Samples of one run of the daemon, oldest first. */
export class Recorder {
  samples = [];

  #instance = null;

  /**
   * Adds the data of one event. A new instance of the daemon counts from 0, so the samples of the previous instance are
   * dropped.
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
      latency: event.latency ?? null,
      labels: new Map((event.models ?? []).map((model) => [model.name, model.labels])),
      streams: new Map((event.models ?? []).map((model) => [model.name, model.streams])),
    });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /** Returns the oldest sample of the last `seconds`, for comparison with the newest. */
  since(seconds) {
    const last = this.samples.at(-1);
    return this.samples.find((sample) => last.time - sample.time <= seconds + 0.5);
  }

  /** Returns the increase of a counter in the last `seconds`. */
  increase(key, seconds) {
    return this.samples.at(-1)[key] - this.since(seconds)[key];
  }

  /** Returns the mean rate of a counter per second over the last `seconds`; null if there is only one sample. */
  rate(key, seconds) {
    const passed = this.samples.at(-1).time - this.since(seconds).time;
    return passed > 0 ? this.increase(key, seconds) / passed : null;
  }

  /** Returns a counter's rate over time. */
  rates(key) {
    return this.#steps((before, after, passed) => (after[key] - before[key]) / passed);
  }

  /** Returns a gauge over time. */
  gauge(key) {
    const samples = this.samples.filter((sample) => sample[key] !== undefined);
    return { xs: samples.map((sample) => sample.time), ys: samples.map((sample) => sample[key]) };
  }

  /** Returns a quantile of the latency over time. */
  latencies(part) {
    return this.#steps((before, after) => quantile(before.latency, after.latency, part));
  }

  /** Returns a quantile of the latency in the last `seconds`; null if nothing was decided. */
  latency(part, seconds) {
    return quantile(this.since(seconds).latency, this.samples.at(-1).latency, part);
  }

  /** Returns each label's share of a model's decisions in the last `seconds`, most frequent first. */
  shares(model, seconds) {
    return shares(this.since(seconds).labels.get(model), this.samples.at(-1).labels.get(model));
  }

  /** Returns the share of each label among a model's streams now, most frequent first. */
  streamShares(model) {
    return shares({}, this.samples.at(-1).streams.get(model) ?? {});
  }

  /** Returns a label's share of a model's streams over time. */
  streamShare(model, label) {
    return {
      xs: this.samples.map((sample) => sample.time),
      ys: this.samples.map(({ streams }) =>
        shares({}, streams.get(model) ?? {}).find((each) => each.label === label)?.share ?? null),
    };
  }

  /** Returns a value for each pair of adjacent samples, at the time of the later sample. */
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
 * Returns a quantile of the latency between two samples of the cumulative histogram; null if nothing was decided, or if
 * the daemon does not measure latencies. The
 * quantile is interpolated within its bucket, as in Prometheus. The last bucket has no bound.
 */
function quantile(before, after, part) {
  if (!before || !after) return null;
  const counts = after.counts.map((total, index) => total - before.counts[index]);
  const all = counts.at(-1);
  if (all === 0) return null;
  const index = counts.findIndex((total) => total >= part * all);
  const [start, below] = index > 0 ? [after.bounds[index - 1], counts[index - 1]] : [0, 0];
  const end = after.bounds[index];
  return end === undefined ? start : start + (end - start) * (part * all - below) / (counts[index] - below);
}

/** Returns each label's share of what was added between two counts, most frequent first. */
function shares(before = {}, after = {}) {
  const counts = Object.entries(after).map(([label, total]) => ({ label, count: total - (before[label] ?? 0) }));
  const all = counts.reduce((sum, each) => sum + each.count, 0);
  if (all === 0) return [];
  return counts.map(({ label, count }) => ({ label, share: count / all })).sort((a, b) => b.share - a.share);
}
