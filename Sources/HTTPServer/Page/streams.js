/**
 * The table of streams. It asks only for visible rows, so that a million streams cost no more than twenty.
 */
import { call } from './connection.js';
import { element, setNote, setText } from './elements.js';
import { count } from './format.js';
import { Histories, MOST_ASKED } from './histories.js';
import { levels } from './models.js';
import { COLUMNS, Row } from './row.js';

const STEP = 20;
const MOST = 200;
/** The time between two searches among all streams, in milliseconds. In between, only the found streams are updated. */
const SEARCH_AGAIN = 10000;
const TYPING = 250;
/**
 * The time, in seconds, for which a stream counts as active after a decision. Active streams keep their order.
 */
const ACTIVE = 5;

/** The table and its tools. */
export class StreamTable {
  #parts;
  #open;
  #entries = [];
  #rows = new Map();
  #seen = new Set();
  #wanted = STEP;
  #sort = { column: null, order: 1 };
  #isBusy = false;
  #mustSearch = true;
  #searched = 0;
  #hasMore = false;
  #hasHistory = true;
  #isPointed = false;
  #typing = 0;
  #thresholds = new Map();
  #histories = new Histories();
  #observer = new IntersectionObserver((changes) => this.#notice(changes), { rootMargin: '40px' });

  /**
   * @param {Object} parts The elements: `section`, `titles`, `body`, `search`, `model`, `sort`, `hold`, `shown`, `note`
   *     and `more`.
   * @param {function(string)} open Opens a stream's view.
   */
  constructor(parts, open) {
    this.#parts = parts;
    this.#open = open;
    this.#makeTitles();
    this.#listen();
  }

  /** The number of all streams, for the line beside the title. */
  total = 0;

  /** Offers the served models for selection, and notes their thresholds for the plots. */
  setModels(models) {
    const { model } = this.#parts;
    const names = models.map(({ name }) => name);
    this.#thresholds = new Map(models.map(({ name, threshold }) => [name, threshold]));
    if (model.dataset.names === names.join('\n')) return;
    model.dataset.names = names.join('\n');
    const chosen = model.value;
    model.replaceChildren(element('option', { value: '', text: 'all' }),
      ...names.map((name) => element('option', { value: name, text: name })));
    model.value = names.includes(chosen) ? chosen : '';
  }

  /** Makes the next refresh search again, because a new instance of the daemon answers. */
  restart() {
    this.#mustSearch = true;
  }

  /** Asks for the visible rows, and shows them. Does nothing while an earlier call is waiting for its answer. */
  async refresh() {
    if (this.#isBusy || !this.#isSeen()) return;
    this.#isBusy = true;
    try {
      await this.#ask();
      setNote(this.#parts.note, this.#entries.length ? '' : this.#emptyText());
      this.#show();
    } catch (error) {
      setNote(this.#parts.note, `The streams cannot be shown: ${error.message}`);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Moves the keyboard focus to a stream's row, or to the first row if the stream has none. */
  focus(stream) {
    const row = this.#rows.get(stream) ?? this.#rows.get(this.#entries[0]?.stream);
    row?.root.focus();
  }

  // MARK: Asking

  get #filter() {
    const [search, model] = [this.#parts.search.value, this.#parts.model.value];
    return { ...(search && { search }), ...(model && { model }) };
  }

  /** Whether the rows keep their places, so that only their values change. */
  get #isHeld() {
    const first = this.#parts.body.firstElementChild;
    const isScrolled = first && first.getBoundingClientRect().bottom < 0;
    const hasFocus = this.#parts.body.contains(document.activeElement);
    return this.#parts.hold.checked || this.#isPointed || hasFocus || isScrolled;
  }

  #isSeen() {
    const { top, bottom } = this.#parts.section.getBoundingClientRect();
    return !this.#parts.section.closest('[hidden]') && bottom > 0 && top < innerHeight;
  }

  async #ask() {
    const isSearch = Object.keys(this.#filter).length > 0;
    const isDue = isSearch ? Date.now() - this.#searched > SEARCH_AGAIN : true;
    if (this.#mustSearch || !this.#entries.length || (isDue && !this.#isHeld)) return this.#askRecent();
    return this.#askSeen();
  }

  /**
   * Asks for the most recent streams: about as many as are visible, or as many as the table may show if there is a
   * filter or the filter has just changed.
   */
  async #askRecent() {
    const isNew = this.#mustSearch;
    this.#mustSearch = false;
    this.#searched = Date.now();
    const isFiltered = Object.keys(this.#filter).length > 0;
    const recent = isNew || isFiltered ? this.#wanted : Math.min(this.#wanted, Math.max(STEP, this.#seen.size + 2));
    const streams = await this.#recent(recent, isNew ? [] : [...this.#seen]);
    const found = new Set(streams.map((entry) => entry.stream));
    const rest = isNew || streams.length < recent ? [] : this.#entries.filter((entry) => !found.has(entry.stream));
    this.#entries = [...this.#steady(streams), ...rest].slice(0, this.#wanted);
    if (recent === this.#wanted || streams.length < recent) this.#hasMore = streams.length === this.#wanted;
  }

  /** Returns streams in an order that changes little: active streams keep their order, below new ones. */
  #steady(streams) {
    const places = new Map(this.#entries.map((entry, index) => [entry.stream, index]));
    const active = streams.filter((entry) => entry.idle_seconds < ACTIVE);
    const place = (entry) => places.get(entry.stream) ?? -1;
    return [...active.sort((a, b) => place(a) - place(b)), ...streams.filter((entry) => !(entry.idle_seconds < ACTIVE))];
  }

  /** Returns the most recent streams, or the first ones by id if the daemon keeps no history. */
  async #recent(recent, expected) {
    const answer = await this.#histories.ask({ recent, ...this.#filter }, expected);
    this.#hasHistory = answer.points > 0;
    if (this.#hasHistory) return answer.streams;
    return this.#statuses({ limit: recent, prefix: this.#filter.search ?? '' });
  }

  /** Asks for streams without their histories. */
  async #statuses(question) {
    const { streams } = await call('streams', question);
    return streams.map((status) => ({
      ...status, timesteps: status.sequence, idle_seconds: status.idle_s, times: [], probabilities: [], marks: [],
    }));
  }

  /** Asks for the new values of the visible rows. */
  async #askSeen() {
    const streams = this.#entries.map((entry) => entry.stream).filter((stream) => this.#seen.has(stream)).slice(0, MOST_ASKED);
    if (!streams.length) return;
    const entries = this.#hasHistory
      ? (await this.#histories.ask({ streams }, streams)).streams : await this.#statuses({ streams });
    const found = new Map(entries.map((entry) => [entry.stream, entry]));
    const asked = new Set(streams);
    this.#entries = this.#entries.map((entry) =>
      found.get(entry.stream) ?? (asked.has(entry.stream) ? { ...entry, isGone: true } : entry));
  }

  // MARK: Showing

  #show() {
    this.#removeOthers();
    const sorted = this.#sorted();
    sorted.forEach((entry, index) => this.#place(this.#row(entry.stream), index));
    for (const entry of this.#entries) {
      this.#rows.get(entry.stream).show(entry, this.#levels(entry), this.#seen.has(entry.stream));
    }
    this.#keepOneTabStop(sorted);
    const held = this.#isHeld && sorted.length ? ', rows held' : '';
    setText(this.#parts.shown, `${count(sorted.length)} of ${count(this.total)}, ${this.#orderText()}${held}`);
    this.#parts.more.hidden = !this.#hasMore || this.#wanted >= MOST;
  }

  /** The threshold lines of a stream: none if its model has several outputs. */
  #levels({ threshold, model }) {
    return threshold === null ? [] : levels(this.#thresholds.get(model));
  }

  #orderText() {
    if (this.#sort.column) return `sorted by ${this.#sort.column.name.toLowerCase()}`;
    return this.#hasHistory ? 'most recent first' : 'by id';
  }

  #emptyText() {
    const { search, model } = this.#filter;
    if (search) return `No stream’s id contains “${search}”.`;
    return model ? `No stream of the model ${model}.` : 'No stream yet. Each appears with its first timestep.';
  }

  #sorted() {
    const { column, order } = this.#sort;
    if (!column) return this.#entries;
    return [...this.#entries].sort((a, b) => {
      const [x, y] = [column.key(a), column.key(b)];
      return x === y ? 0 : (x < y ? -order : order);
    });
  }

  #row(stream) {
    if (!this.#rows.has(stream)) {
      const row = new Row(stream);
      this.#rows.set(stream, row);
      this.#observer.observe(row.root);
      // A row counts as visible until the observer reports otherwise, so that its plot appears at once.
      this.#seen.add(stream);
    }
    return this.#rows.get(stream);
  }

  #place(row, index) {
    const { body } = this.#parts;
    if (body.children[index] !== row.root) body.insertBefore(row.root, body.children[index] ?? null);
  }

  #removeOthers() {
    const kept = new Set(this.#entries.map((entry) => entry.stream));
    this.#histories.keep(kept);
    for (const [stream, row] of this.#rows) {
      if (kept.has(stream)) continue;
      this.#observer.unobserve(row.root);
      row.root.remove();
      this.#rows.delete(stream);
      this.#seen.delete(stream);
    }
  }

  /** Makes the whole table a single stop of the Tab key. The arrow keys move within the table. */
  #keepOneTabStop(sorted) {
    const hasStop = sorted.some((entry) => this.#rows.get(entry.stream).root.tabIndex === 0);
    if (!hasStop && sorted.length) this.#rows.get(sorted[0].stream).root.tabIndex = 0;
  }

  #notice(changes) {
    for (const { target, isIntersecting } of changes) {
      const { stream } = target.dataset;
      if (isIntersecting) this.#seen.add(stream);
      else this.#seen.delete(stream);
      const entry = isIntersecting && this.#entries.find((each) => each.stream === stream);
      if (entry) this.#rows.get(stream)?.show(entry, this.#levels(entry), true);
    }
  }

  // MARK: Tools

  #makeTitles() {
    const { titles, sort } = this.#parts;
    sort.append(element('option', { value: '', text: 'most recent' }));
    COLUMNS.forEach((column, index) => {
      const title = element('th', { scope: 'col', role: 'columnheader', class: column.className });
      if (column.key) {
        const button = element('button', { type: 'button', text: column.name });
        button.addEventListener('click', () => this.#sortBy(column));
        title.append(button);
        sort.append(element('option', { value: String(index), text: column.name.toLowerCase() }));
      } else {
        title.textContent = column.name;
      }
      titles.append(title);
    });
  }

  /** Sorts by a column. The next call reverses the order, and a third call ends the sorting. */
  #sortBy(column) {
    const { column: old, order } = this.#sort;
    if (old !== column) this.#sort = { column, order: column.order };
    else if (order === column.order) this.#sort = { column, order: -order };
    else this.#sort = { column: null, order: 1 };
    this.#sortChanged();
  }

  #sortChanged() {
    const { column, order } = this.#sort;
    [...this.#parts.titles.children].forEach((title, index) => {
      if (COLUMNS[index] === column) title.setAttribute('aria-sort', order > 0 ? 'ascending' : 'descending');
      else title.removeAttribute('aria-sort');
    });
    this.#parts.sort.value = column ? String(COLUMNS.indexOf(column)) : '';
    this.#show();
  }

  #listen() {
    const { search, model, sort, hold, more, body, section } = this.#parts;
    search.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#askAnew(), TYPING);
    });
    section.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#askAnew();
    });
    model.addEventListener('change', () => this.#askAnew());
    hold.addEventListener('change', () => this.refresh());
    sort.addEventListener('change', () => {
      const column = COLUMNS[sort.value] ?? null;
      this.#sort = { column, order: column?.order ?? 1 };
      this.#sortChanged();
    });
    more.addEventListener('click', () => {
      this.#wanted = Math.min(MOST, this.#wanted + STEP);
      this.#mustSearch = true;
      this.refresh();
    });
    body.addEventListener('pointerenter', (event) => { this.#isPointed = event.pointerType === 'mouse'; });
    body.addEventListener('pointerleave', () => { this.#isPointed = false; });
    body.addEventListener('click', (event) => this.#click(event));
    body.addEventListener('keydown', (event) => this.#key(event));
    body.addEventListener('focusin', (event) => this.#focused(event));
  }

  /** Asks again with the changed filter, once any earlier question has been answered. */
  async #askAnew() {
    this.#wanted = STEP;
    this.#mustSearch = true;
    while (this.#isBusy) await new Promise((done) => { setTimeout(done, 30); });
    this.refresh();
  }

  #click(event) {
    const row = event.target.closest('tr');
    // Selecting text does not count as a click on the row.
    if (!row || String(getSelection())) return;
    event.preventDefault();
    this.#open(row.dataset.stream);
  }

  #key(event) {
    const row = event.target.closest('tr');
    const moves = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling };
    if (event.key === 'Enter' && row) this.#open(row.dataset.stream);
    else if (event.key === 'Escape') row?.blur();
    else if (event.key in moves) moves[event.key]?.focus();
    else return;
    event.preventDefault();
  }

  #focused(event) {
    for (const row of this.#rows.values()) row.root.tabIndex = row.root === event.target ? 0 : -1;
  }
}
