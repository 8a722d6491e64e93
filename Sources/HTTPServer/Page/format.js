/**
 * Numbers, durations and times as text. Each has its unit, and each time its zone.
 */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const threeDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const clockFormat = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'short',
});
const dayFormat = new Intl.DateTimeFormat('sv-SE', { year: 'numeric', month: '2-digit', day: '2-digit' });

/** The browser's time zone in short, such as `CET`. */
export const zone = clockFormat.formatToParts(new Date()).find((part) => part.type === 'timeZoneName').value;

const zoneName = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A sentence that names the browser's time zone. */
export const zoneText = `Times are in ${zone}${zoneName === zone ? '' : ` (${zoneName})`}.`;

/** Returns a whole number with separators. */
export function count(value) {
  return whole.format(value);
}

/** Returns a number with a noun, which gets an s unless the number is 1. */
export function quantity(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Returns a rate as a number: with one digit after the point while it is small. */
export function rate(value) {
  return value > 0 && value < 100 ? oneDigit.format(value) : whole.format(value);
}

/** Returns a time span of seconds in the unit that fits. */
export function duration(seconds) {
  if (seconds < 1e-3) return `${threeDigits.format(seconds * 1e6)} µs`;
  if (seconds < 0.1) return `${threeDigits.format(seconds * 1e3)} ms`;
  if (seconds < 9.95) return `${oneDigit.format(seconds)} s`;
  if (seconds < 120) return `${whole.format(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
}

/** Returns the time since an event. */
export function age(seconds) {
  return seconds < 1 ? `${oneDigit.format(Math.max(0, seconds))} s` : duration(seconds);
}

/** Returns a size with a decimal prefix. */
export function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${threeDigits.format(value)} ${units[unit]}`;
}

/** Returns a share from 0 to 1 in per cent. */
export function percent(share) {
  return `${oneDigit.format(share * 100)} %`;
}

/** Returns a model's output with four digits after the point; a dash for an output that is NaN or infinite. */
export function output(value) {
  return typeof value === 'number' ? value.toFixed(4) : '–';
}

/** Returns a time of day with its zone. `seconds` are Unix seconds. */
export function clock(seconds) {
  return clockFormat.format(new Date(seconds * 1000));
}

/** Returns a date and time without its zone. `seconds` are Unix seconds. */
function bareMoment(seconds) {
  return `${dayFormat.format(new Date(seconds * 1000))} ${axisTime(seconds, 1)}`;
}

/** Returns the dates and times between two moments, with their zone. The second date is left out if it is the same. */
export function period(start, end) {
  const [from, to] = [bareMoment(start), bareMoment(end)];
  return `${from} to ${to.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to} ${zone}`;
}

/** Returns a time of day for an axis: without the zone, and with milliseconds if the axis is that fine. */
export function axisTime(seconds, step) {
  const date = new Date(seconds * 1000);
  const pad = (value, length = 2) => String(value).padStart(length, '0');
  const text = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (step >= 60) return text;
  const fine = `${text}:${pad(date.getSeconds())}`;
  return step >= 1 ? fine : `${fine}.${pad(date.getMilliseconds(), 3)}`;
}
