/**
 * Actions that change the daemon. They need the token of `--http-control`, which the tab keeps only in memory.
 */
import { call } from './connection.js';
import { byID } from './elements.js';

/**
 * Asks a question in a dialog.
 *
 * @param {Object} question `title`, `text`, and `confirm` for the button. If the user is to enter text, also the
 *     input's `name`, `type` and `value`.
 * @returns {Promise<?string>} The text entered, which is empty if the dialog has no input; null if the dialog was
 *     cancelled.
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

  /** Whether a token is known. If so, a call need not ask for it. */
  get hasToken() {
    return this.#token !== null;
  }

  /**
   * Calls a method with the token, and asks for the token first if it is missing or was refused.
   *
   * @returns {Promise<?Object>} The result; null if the dialog was cancelled.
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
