/** The phases of a program bound to memory: a block with a counter a phase, then the addresses that each phase reads. */
import type { Arena, Counters, Phase } from "./host/index.ts";
import type { PhaseText } from "./wat/module.ts";

export class PhaseBlock {
  readonly #phases: readonly PhaseText[];
  address: number;

  constructor(arena: Arena, phases: readonly PhaseText[]) {
    this.#phases = phases;
    const words = phases.reduce((sum, phase) => sum + 1 + phase.buffers.length, 0);
    this.address = arena.allocate(words * 4, "addresses of a program");
  }

  /** Writes the addresses of the list's buffers where the phases look for them. */
  write(arena: Arena, buffers: readonly number[]): void {
    let word = this.address / 4 + this.#phases.length;
    for (const phase of this.#phases)
      for (const buffer of phase.buffers) arena.u32[word++] = buffers[buffer]!;
  }

  steps(functions: readonly number[], labels: readonly string[]): Phase[] {
    let args = this.address + this.#phases.length * 4;
    return this.#phases.map((phase, i) => {
      const step = { fn: functions[i]!, args, counter: this.address + i * 4, label: labels[i]! };
      args += phase.buffers.length * 4;
      return step;
    });
  }

  get counters(): Counters {
    return { address: this.address, count: this.#phases.length };
  }
}
