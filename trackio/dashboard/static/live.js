// Asks every two seconds what is new, while anybody looks. One request at a time, and slower when
// the server does not answer.

const EVERY_MS = 2000;
const REMOTE_EVERY_MS = 5000; // on a Space, whose proxy counts requests
const LONGEST_MS = 60_000;

export class Live {
  #act;
  #onState;
  #isAlive;
  #timer = 0;
  #failures = 0;
  #isBusy = false;
  #isClosed = false;
  #onVisible;

  /**
   * `act()` is one tick. `onState({error, retryS})` tells how it went. It ends by itself once
   * `isAlive()` is false: Gradio does not say when it takes a component away.
   */
  constructor({ act, onState, isAlive, isPaused = false }) {
    this.#act = act;
    this.#onState = onState;
    this.#isAlive = isAlive;
    this.#isClosed = isPaused;
    this.#onVisible = () => !document.hidden && this.now();
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#wait(this.#every());
  }

  /** Tick at once, as after the page was hidden. */
  async now() {
    clearTimeout(this.#timer);
    await this.#tick();
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  #every() {
    return window.location.hostname.endsWith(".hf.space") ? REMOTE_EVERY_MS : EVERY_MS;
  }

  #wait(delayMs) {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#tick(), delayMs);
  }

  async #tick() {
    if (this.#isClosed || this.#isBusy) return;
    if (!this.#isAlive()) return this.close();
    if (document.hidden) return; // `visibilitychange` takes it up again
    this.#isBusy = true;
    let delayMs = this.#every();
    try {
      await this.#act();
      this.#failures = 0;
      this.#onState({ error: null });
    } catch (error) {
      if (error.name !== "AbortError") delayMs = this.#failed(error);
    } finally {
      this.#isBusy = false;
      this.#wait(delayMs);
    }
  }

  #failed(error) {
    this.#failures += 1;
    const doubled = this.#every() * 2 ** this.#failures;
    const delayMs = Math.min(LONGEST_MS, Math.max(doubled, (error.retryAfterS ?? 0) * 1000));
    this.#onState({ error, retryS: delayMs / 1000 });
    return delayMs;
  }
}
