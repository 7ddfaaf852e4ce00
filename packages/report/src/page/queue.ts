/** Draws charts in slices, those nearest to what is on the screen first, so that a page of many studies can be read at once. */

/** A slice's milliseconds: short enough not to be felt. */
const SLICE = 25;

export class DrawQueue {
  readonly #pending = new Map<HTMLElement, () => void>();
  readonly #onEmpty: () => void;
  #scheduled = false;

  /** `onEmpty` is called whenever everything is drawn. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
    // paper has no later
    addEventListener("beforeprint", () => this.#work(Number.POSITIVE_INFINITY));
  }

  /** Draws into `place` soon; an older request for it is forgotten. */
  add(place: HTMLElement, draw: () => void): void {
    this.#pending.set(place, draw);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#work(performance.now() + SLICE);
    });
  }

  #work(until: number): void {
    for (let next = this.#nearest(); next !== undefined; next = this.#nearest()) {
      const [place, draw] = next;
      if (performance.now() >= until) {
        this.add(place, draw);
        return;
      }
      this.#pending.delete(place);
      draw();
    }
    this.#onEmpty();
  }

  #nearest(): [HTMLElement, () => void] | undefined {
    let best: { readonly distance: number; readonly entry: [HTMLElement, () => void] } | undefined;
    for (const entry of this.#pending) {
      const { top, bottom } = entry[0].getBoundingClientRect();
      const distance = Math.max(0, top - innerHeight, -bottom);
      if (best === undefined || distance < best.distance) best = { distance, entry };
    }
    return best?.entry;
  }
}
