/** Numbers of the functions on the threads. Id 0 is never given out: a program list of zeros must trap, not run something. */
import { DisposedError } from "../../../errors.ts";

export class FunctionIds {
  #next = 1;
  readonly #live = new Set<number>();
  /** Free on all threads. */
  readonly #free: number[] = [];
  /** Given back; the workers hear of it with the next load. */
  #dropped: number[] = [];

  /** `count` ids, and those that workers must forget first. */
  take(count: number): { ids: number[]; drop: number[] } {
    const drop = this.#dropped;
    this.#dropped = [];
    this.#free.push(...drop);
    const ids: number[] = [];
    for (let i = 0; i < count; i++) {
      const id = this.#free.pop() ?? this.#next++;
      this.#live.add(id);
      ids.push(id);
    }
    return { ids, drop };
  }

  give(ids: readonly number[]): void {
    for (const id of ids) {
      if (!this.#live.delete(id))
        throw new DisposedError(`Function ${id} is not loaded; unload each function once.`);
      this.#dropped.push(id);
    }
  }
}
