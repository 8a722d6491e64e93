/**
 * Creation of elements. Text that a peer chose, such as a stream's id, only ever becomes `textContent`.
 */

/** Returns the element with an id. */
export function byID(id) {
  return document.getElementById(id);
}

/**
 * Creates an element.
 *
 * @param {string} tag The tag, with classes after points: `td.number`.
 * @param {Object} attributes Attributes by name. `text` is the text.
 * @param {...Node} children The children.
 */
export function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(' ');
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'text') made.textContent = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Changes an element's text, if it differs: an equal text costs no layout and is not read aloud again. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Shows a sentence, or hides its element if there is none. */
export function setNote(target, text) {
  setText(target, text ?? '');
  target.hidden = !text;
}

/** Replaces the pairs of a `dl`. The rows are kept if their names are unchanged. */
export function setPairs(list, pairs) {
  const names = pairs.map(([name]) => name).join('\n');
  if (list.dataset.names !== names) {
    list.dataset.names = names;
    list.replaceChildren(...pairs.map(([name]) => element('div', {}, element('dt', { text: name }), element('dd'))));
  }
  pairs.forEach(([, value], index) => setText(list.children[index].lastElementChild, value));
}
