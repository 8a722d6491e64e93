/**
 * Actions that change the daemon: they need the token of `--http-control`. The tab keeps it in memory and nowhere else.
 */
import { call } from './connection.js';
import { byID } from './elements.js';

/**
 * Asks a question in a dialog.
 *
 * @param {Object} question `title`, `text`, `confirm` (the button), and for an answer in words `name`, `type` and
 *     `value`.
 * @returns {Promise<?string>} The answer, which is empty if the question asks for no words; null if it was cancelled.
 */
export function ask({ title, text, confirm, name = null, type = 'text', value = '' }) {
  const dialog = byID('ask');
  const input = byID('ask-input');
  byID('ask-title').textContent = title;
  byID('ask-text').textContent = text;
  byID('ask-confirm').textContent = confirm;
  byID('ask-name').textContent = name ?? '';
  byID('ask-label').hidden = !name;
  Object.assign(input, { type, value, required: Boolean(name), disabled: !name });
  return new Promise((resolve) => {
    const finish = (answer) => {
      input.value = '';
      [dialog.oncancel, byID('ask-form').onsubmit, byID('ask-cancel').onclick] = [null, null, null];
      dialog.close();
      resolve(answer);
    };
    dialog.oncancel = (event) => {
      event.preventDefault();
      finish(null);
    };
    byID('ask-cancel').onclick = () => finish(null);
    byID('ask-form').onsubmit = (event) => {
      event.preventDefault();
      finish(name ? input.value.trim() : '');
    };
    dialog.showModal();
    (name ? input : byID('ask-confirm')).focus();
  });
}

/** The permission to change the daemon. */
export class Control {
  /** Whether the daemon takes changes from this page. */
  isAvailable = false;

  #token = null;

  /** Whether a token is known, so that a call asks no question. */
  get hasToken() {
    return this.#token !== null;
  }

  /**
   * Calls a method with the token, and asks for the token first if it is missing or was refused.
   *
   * @returns {Promise<?Object>} The result; null if the question was cancelled.
   */
  async call(method, params) {
    let text = 'The file of --http-control holds the token. This tab keeps it until it is closed.';
    while (this.#token !== null || await this.#askToken(text)) {
      try {
        return await call(method, params, this.#token);
      } catch (error) {
        if (error.status !== 401) throw error;
        this.#token = null;
        text = `The daemon refused this token: ${error.message}`;
      }
    }
    return null;
  }

  async #askToken(text) {
    const token = await ask({ title: 'Token', text, confirm: 'Continue', name: 'Token', type: 'password' });
    this.#token = token || null;
    return this.#token !== null;
  }
}
