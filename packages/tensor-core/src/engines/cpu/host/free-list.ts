/**
 * Which ranges of an address space are free. Best fit, lowest address first among equals; neighbours are joined at once, so
 * there are never two free ranges side by side. Knows nothing about memory.
 */

interface Range {
  start: number;
  end: number;
}

export class FreeList {
  /** Sorted by start, never touching one another. */
  readonly #ranges: Range[] = [];

  /** The free ranges, for tests and people. */
  get ranges(): readonly { readonly start: number; readonly end: number }[] {
    return this.#ranges;
  }

  /** Takes `bytes` out of the smallest range that holds them; undefined where none does. */
  take(bytes: number): number | undefined {
    let best = -1;
    let bestSize = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#ranges.length; i++) {
      const range = this.#ranges[i]!;
      const size = range.end - range.start;
      if (size < bytes || size >= bestSize) continue;
      best = i;
      bestSize = size;
      if (size === bytes) break;
    }
    if (best < 0) return undefined;
    const range = this.#ranges[best]!;
    const start = range.start;
    range.start += bytes;
    if (range.start === range.end) this.#ranges.splice(best, 1);
    return start;
  }

  /** Gives [start, end) back. */
  give(start: number, end: number): void {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    const before = this.#ranges[low - 1];
    const after = this.#ranges[low];
    const joinsBefore = before?.end === start;
    const joinsAfter = after?.start === end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.#ranges.splice(low, 1);
    } else if (joinsBefore) before.end = end;
    else if (joinsAfter) after.start = start;
    else this.#ranges.splice(low, 0, { start, end });
  }

  /** Free bytes that end at `end`: what growth need not add. */
  tail(end: number): number {
    const last = this.#ranges.at(-1);
    return last?.end === end ? end - last.start : 0;
  }
}
