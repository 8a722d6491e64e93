/**
 * The link to the daemon: its event stream, and calls of its control methods.
 */

const RETRY = 1000;
const BACKGROUND = 10000;
/** The silence, in milliseconds, after which the daemon counts as lost even though its connection is still open. */
const SILENCE = 6000;

/** The error for a call that the daemon refused or did not answer. `status` is the HTTP status; 0 without an answer. */
class CallError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Calls a control method.
 *
 * @param {string} method The method, as in the wire protocol.
 * @param {Object} params Its parameters.
 * @param {?string} token The token of `--http-control`, for a method that changes something.
 * @returns {Promise<Object>} The result.
 */
export async function call(method, params = {}, token = null) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  let text;
  try {
    const body = JSON.stringify({ method, params });
    response = await fetch('/api/call', { method: 'POST', headers, body, cache: 'no-store', credentials: 'omit' });
    text = await response.text();
  } catch {
    throw new CallError('the daemon does not answer', 0);
  }
  return resultIn(text, response);
}

/** Returns an answer's result, or throws its error. */
function resultIn(text, response) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new CallError(text.trim() || `the daemon answered with the status ${response.status}`, response.status);
  }
  if (answer.error) throw new CallError(answer.error.message ?? String(answer.error), response.status);
  return answer.result;
}

/**
 * The connection to the daemon's event stream. It is reopened whenever it is lost.
 *
 * Dispatches the event `status` with the daemon's data as `detail`, and the event `change` when `state` changes. A page
 * in the background asks every 10 s and holds no connection in between, because a browser opens only six connections
 * per host.
 */
export class Connection extends EventTarget {
  /** `connecting`; `live`; `loading` while the daemon loads its state; `stuck` if its hot loop does not answer; `lost`. */
  state = 'connecting';
  /** The time of the last data, in milliseconds; the time of the page's start if there has been no data. */
  heard = Date.now();

  #source = null;
  #opened = 0;
  #timer = 0;

  /** Starts to listen. */
  start() {
    document.addEventListener('visibilitychange', () => this.#listen());
    setInterval(() => this.#watch(), 1000);
    this.#listen();
  }

  #listen() {
    this.#close();
    this.#opened = Date.now();
    this.#source = new EventSource(`/api/events?every=${document.hidden ? BACKGROUND / 1000 : 1}`);
    this.#source.addEventListener('status', (event) => this.#receive(event));
    this.#source.addEventListener('loading', () => this.#receiveNothing('loading'));
    this.#source.addEventListener('stuck', () => this.#receiveNothing('stuck'));
    this.#source.addEventListener('error', () => this.#fail());
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #receive(event) {
    this.heard = Date.now();
    this.#enter('live');
    this.dispatchEvent(new CustomEvent('status', { detail: JSON.parse(event.data) }));
    if (document.hidden) this.#again(BACKGROUND);
  }

  /** Handles an event without data. `heard` does not change, so that the page can show how old its data is. */
  #receiveNothing(state) {
    this.#opened = Date.now();
    this.#enter(state);
    if (document.hidden) this.#again(BACKGROUND);
  }

  #fail() {
    this.#enter('lost');
    this.#again(document.hidden ? BACKGROUND : RETRY);
  }

  #again(delay) {
    this.#close();
    this.#timer = setTimeout(() => this.#listen(), delay);
  }

  #watch() {
    const isSilent = Date.now() - Math.max(this.heard, this.#opened) > SILENCE;
    if (this.#source && isSilent && !document.hidden) this.#fail();
  }

  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }
}
