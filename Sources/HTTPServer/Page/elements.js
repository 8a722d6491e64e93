/**
 * Functions that create and change elements. Foreign text, such as a stream's id, is only ever set as `textContent`, so
 * it cannot become markup.
 */

/** Returns the element with an id. */
export function byID(id) {
  return document.getElementById(id);
}

/**
 * Creates an element.
 *
 * @param {string} tag The tag, followed by classes, each after a dot: `td.number`.
 * @param {Object} attributes Attributes by name. `text` sets the element's text.
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

/**
 * Sets an element's text if it differs. Setting equal text would cost a layout and make a screen reader repeat it.
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Shows a sentence in an element, or hides the element if there is no sentence. */
export function setNote(target, text) {
  setText(target, text ?? '');
  target.hidden = !text;
}

/** Replaces the pairs in a `dl`. If their names are unchanged, only the values change. */
export function setPairs(list, pairs) {
  const names = pairs.map(([name]) => name).join('\n');
  if (list.dataset.names !== names) {
    list.dataset.names = names;
    list.replaceChildren(...pairs.map(([name]) => element('div', {}, element('dt', { text: name }), element('dd'))));
  }
  pairs.forEach(([, value], index) => setText(list.children[index].lastElementChild, value));
}
