/**
 * Formats numbers, durations and times for display, with their units and time zones.
 */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const threeDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const clockFormat = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'short',
});
const dayFormat = new Intl.DateTimeFormat('sv-SE', { year: 'numeric', month: '2-digit', day: '2-digit' });

/** The short name of the browser's time zone, such as `CET`. */
export const zone = clockFormat.formatToParts(new Date()).find((part) => part.type === 'timeZoneName').value;

const zoneName = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A sentence that names the browser's time zone. */
export const zoneText = `Times are in ${zone}${zoneName === zone ? '' : ` (${zoneName})`}.`;

/** Formats a whole number with thousands separators. */
export function count(value) {
  return whole.format(value);
}

/** Formats a number with a noun, which is in the plural unless the number is 1. */
export function quantity(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Formats a rate without its unit. A small rate has one decimal place. */
export function rate(value) {
  return value > 0 && value < 100 ? oneDigit.format(value) : whole.format(value);
}

/** Formats a duration, given in seconds, in a suitable unit. */
export function duration(seconds) {
  if (seconds < 0.9995e-3) return `${threeDigits.format(seconds * 1e6)} µs`;
  if (seconds < 0.1) return `${threeDigits.format(seconds * 1e3)} ms`;
  if (seconds < 9.95) return `${oneDigit.format(seconds)} s`;
  if (seconds < 120) return `${whole.format(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
}

/** Formats the time since an event, given in seconds. */
export function age(seconds) {
  return seconds < 1 ? `${oneDigit.format(Math.max(0, seconds))} s` : duration(seconds);
}

/** Formats a size in bytes with a decimal prefix. */
export function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${threeDigits.format(value)} ${units[unit]}`;
}

/** Formats a share from 0 to 1 as a percentage. */
export function percent(share) {
  return `${oneDigit.format(share * 100)} %`;
}

/** Formats a model's output with four decimal places; a dash if the output is NaN or infinite. */
export function output(value) {
  return typeof value === 'number' ? value.toFixed(4) : '–';
}

/** Formats a Unix time as a time of day with the time zone. */
export function clock(seconds) {
  return clockFormat.format(new Date(seconds * 1000));
}

/** Formats a Unix time as a date and time without the time zone. */
function bareMoment(seconds) {
  return `${dayFormat.format(new Date(seconds * 1000))} ${axisTime(seconds, 1)}`;
}

/**
 * Formats a period from its start to its end, with the time zone. If both are on one day, the date appears only once.
 */
export function period(start, end) {
  const [from, to] = [bareMoment(start), bareMoment(end)];
  return `${from} to ${to.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to} ${zone}`;
}

/**
 * Formats a Unix time as a time of day for an axis, without the time zone. The precision depends on the step of the
 * axis.
 */
export function axisTime(seconds, step) {
  const date = new Date(Math.round(seconds * 1000));
  const pad = (value, length = 2) => String(value).padStart(length, '0');
  const text = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (step >= 60) return text;
  const fine = `${text}:${pad(date.getSeconds())}`;
  return step >= 1 ? fine : `${fine}.${pad(date.getMilliseconds(), 3)}`;
}
