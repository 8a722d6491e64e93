/**
 * The daemon's page: connects its parts, and shows one stream or all.
 */
import { ClusterView } from './cluster.js';
import { Connection } from './connection.js';
import { Control } from './control.js';
import { byID, setText } from './elements.js';
import { clock, duration, rate, zoneText } from './format.js';
import { Models } from './models.js';
import { Overview } from './overview.js';
import { Recorder } from './recorder.js';
import { StreamTable } from './streams.js';
import { StreamView } from './stream.js';

const STREAM_LINK = '#stream=';

const connection = new Connection();
const recorder = new Recorder();
const control = new Control();
const overview = new Overview(byID('tiles'));
const cluster = new ClusterView();
const models = new Models(byID('models'));
const view = new StreamView(control);
const table = new StreamTable({
  section: byID('streams'), titles: byID('stream-titles'), body: byID('stream-rows'), search: byID('search'),
  model: byID('model-filter'), sort: byID('sort'), hold: byID('hold'), shown: byID('streams-shown'),
  note: byID('streams-note'), more: byID('more'),
}, (stream) => { location.hash = STREAM_LINK + encodeURIComponent(stream); });

let instance = null;
let version = null;
let status = null;

// MARK: Data

connection.addEventListener('status', ({ detail: event }) => {
  if (event.instance !== instance) begin(event.instance);
  status = event.status;
  recorder.add(event);
  table.total = status.streams;
  table.setModels(status.models);
  view.setModels(status.models);
  if (view.stream === null) showHome(event);
  else view.refresh();
  showBar();
});

connection.addEventListener('change', () => {
  showBar();
  setText(byID('live'), barText());
});

function showHome(event) {
  overview.show(event, recorder);
  cluster.show(event);
  models.show(event, recorder);
  table.refresh();
}

/** Starts over with a new instance of the daemon, and asks the instance what the page may do. */
async function begin(name) {
  instance = name;
  table.restart();
  try {
    const response = await fetch('/api/page', { cache: 'no-store', credentials: 'omit' });
    const page = await response.json();
    // A different version of the daemon has a different page, so load that one.
    if (version !== null && page.version !== version) return location.reload();
    version = page.version;
    control.isAvailable = page.control;
    setText(byID('about'), `sluiced ${page.version} at ${page.host ?? location.host}`);
    if (status) view.setModels(status.models);
  } catch {
    // The connection was lost again. Forget the instance, so that its next event calls this function again.
    instance = null;
  }
  return undefined;
}

// MARK: The bar

function barText() {
  const heard = clock(connection.heard / 1000);
  const texts = {
    connecting: '… Connecting', live: '✓ Live', loading: '… The daemon loads its state',
    lost: `✕ No connection since ${heard}`, stuck: `✕ The daemon does not answer since ${heard}`,
  };
  return texts[connection.state];
}

function showBar() {
  const { state } = connection;
  byID('bar').className = `bar ${state}`;
  setText(byID('bar-text'), barText());
  const silent = (Date.now() - connection.heard) / 1000;
  const since = {
    live: status ? `up ${duration(status.uptime_s)}` : '', lost: `for ${duration(silent)}, trying again`,
    stuck: `for ${duration(silent)}`,
  };
  setText(byID('bar-since'), since[state] ?? '');
  document.title = title(state);
}

function title(state) {
  if (state === 'lost' || state === 'stuck') return '✕ lost – Sluice';
  const now = status && recorder.rate('decisions', 10);
  return now === null ? 'Sluice' : `${rate(now)}/s – Sluice`;
}

setInterval(() => { if (connection.state !== 'live') showBar(); }, 1000);

// MARK: Views

/** Shows the view that the address names: one stream, or all streams. */
function route() {
  const left = view.stream;
  const isStream = location.hash.startsWith(STREAM_LINK);
  byID('home').hidden = isStream;
  if (isStream) return openStream(location.hash.slice(STREAM_LINK.length));
  view.close();
  if (left !== null) table.focus(left);
  table.refresh();
  return undefined;
}

function openStream(text) {
  try {
    view.open(decodeURIComponent(text));
  } catch {
    location.hash = '';
    return;
  }
  scrollTo(0, 0);
}

addEventListener('hashchange', route);
byID('back').addEventListener('click', (event) => {
  event.preventDefault();
  location.hash = '';
});

addEventListener('keydown', (event) => {
  if (byID('ask').open || event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target.matches('input, select, textarea');
  if (event.key === 'Escape' && view.stream !== null) location.hash = '';
  else if (event.key === 'Escape' && event.target === byID('search') && byID('search').value === '') byID('search').blur();
  else if (event.key === '/' && !isTyping && view.stream === null) byID('search').focus();
  else return;
  event.preventDefault();
});

setText(byID('zone'), zoneText);
connection.start();
route();
