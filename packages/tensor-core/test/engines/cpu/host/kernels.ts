/** Small wasm functions that test the threads from inside. */
import wabt from "wabt";

/** Encodes WAT. */
export async function assemble(text: string): Promise<WebAssembly.Module> {
  const parsed = (await wabt()).parseWat("test", text, { threads: true, simd: true, bulk_memory: true });
  try {
    return new WebAssembly.Module(parsed.toBinary({}).buffer as Uint8Array<ArrayBuffer>);
  } finally {
    parsed.destroy();
  }
}

/** Words of `lockstep`'s arguments. */
export const LOCKSTEP = { units: 0, wrong: 4, beats: 64 } as const;
/** Words of the arguments of `trap` and `forever`. */
export const VICTIM = { thread: 0, threads: 4, here: 8 } as const;

/**
 * Phases over `args` (and the thread's number in scratch, as a number):
 * - lockstep: each unit counts its own beat, after a look at those of all others: each must be as far as this one or one
 *   ahead of what this one was. Anything else is counted at `wrong`.
 * - chunks: args holds [chunks, base]; each chunk c is marked by adding 1 to the u32 at base + 4 c, then some work is done.
 * - add: one unit that adds args to the u32 at work.
 * - mine: marks the u32 at args + 4 x scratch; it goes on until all threads that args - 4 tells of have.
 * - trap, forever: wait until all threads are there, then only the one whose scratch is `thread` does as it is called.
 */
export function testModule(shared: boolean): Promise<WebAssembly.Module> {
  const parameters = "(param $args i32) (param $counter i32) (param $scratch i32) (param $work i32)";
  const take = "(i32.atomic.rmw.add (local.get $counter) (i32.const 1))";
  const meet = `
    (drop (i32.atomic.rmw.add offset=${VICTIM.here} (local.get $args) (i32.const 1)))
    (loop $wait
      (br_if $wait (i32.lt_u (i32.atomic.load offset=${VICTIM.here} (local.get $args))
        (i32.load offset=${VICTIM.threads} (local.get $args)))))`;
  const victim = `(i32.eq (local.get $scratch) (i32.load offset=${VICTIM.thread} (local.get $args)))`;
  return assemble(`(module
  (import "env" "memory" (memory 1 65536${shared ? " shared" : ""}))
  (func (export "lockstep") ${parameters}
    (local $unit i32) (local $own i32) (local $beat i32) (local $v i32) (local $other i32)
    (block $done
      (loop $next
        (local.set $unit ${take})
        (br_if $done (i32.ge_u (local.get $unit) (i32.load (local.get $args))))
        (local.set $own (i32.add (i32.add (local.get $args) (i32.const 64)) (i32.mul (local.get $unit) (i32.const 64))))
        (local.set $beat (i32.add (i32.load (local.get $own)) (i32.const 1)))
        (local.set $v (i32.const 0))
        (loop $others
          ;; Plain loads, as kernels do: the end of a phase alone must make the others' beats seen.
          (local.set $other (i32.load offset=64 (i32.add (local.get $args) (i32.mul (local.get $v) (i32.const 64)))))
          (if (i32.gt_u (i32.sub (local.get $other) (i32.sub (local.get $beat) (i32.const 1))) (i32.const 1))
            (then (drop (i32.atomic.rmw.add offset=4 (local.get $args) (i32.const 1)))))
          (local.set $v (i32.add (local.get $v) (i32.const 1)))
          (br_if $others (i32.lt_u (local.get $v) (i32.load (local.get $args)))))
        (i32.store (local.get $own) (local.get $beat))
        (br $next))))
  (func (export "chunks") ${parameters}
    (local $c i32) (local $n i32)
    (block $done
      (loop $next
        (local.set $c (i32.atomic.rmw.add (local.get $counter) (i32.const 1)))
        (br_if $done (i32.ge_u (local.get $c) (i32.load (local.get $args))))
        (drop (i32.atomic.rmw.add
          (i32.add (i32.load offset=4 (local.get $args)) (i32.shl (local.get $c) (i32.const 2))) (i32.const 1)))
        (local.set $n (i32.load offset=8 (local.get $args)))
        (loop $busy
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $busy (i32.gt_s (local.get $n) (i32.const 0))))
        (br $next))))
  (func (export "add") ${parameters}
    (if (i32.eqz ${take}) (then (drop (i32.atomic.rmw.add (local.get $work) (local.get $args))))))
  (func (export "mine") ${parameters}
    (local $t i32)
    (i32.atomic.store (i32.add (local.get $args) (i32.shl (local.get $scratch) (i32.const 2))) (i32.const 1))
    (loop $others
      (br_if $others (i32.eqz (i32.atomic.load (i32.add (local.get $args) (i32.shl (local.get $t) (i32.const 2))))))
      (local.set $t (i32.add (local.get $t) (i32.const 1)))
      (br_if $others (i32.lt_u (local.get $t) (i32.load (i32.sub (local.get $args) (i32.const 4)))))))
  (func (export "empty") ${parameters})
  (func (export "trap") ${parameters} ${meet}
    (if ${victim} (then (unreachable))))
  (func (export "forever") ${parameters} ${meet}
    (if ${victim} (then (loop $l (br $l)))))
)`);
}

/** A module whose one function "add" has one unit, which adds `constant` to the u32 at work: to tell modules apart. */
export function adderModule(constant: number): Promise<WebAssembly.Module> {
  return assemble(`(module
  (import "env" "memory" (memory 1 65536 shared))
  (func (export "add") (param i32 i32 i32 i32)
    (if (i32.eqz (i32.atomic.rmw.add (local.get 1) (i32.const 1)))
      (then (drop (i32.atomic.rmw.add (local.get 3) (i32.const ${constant})))))))`);
}
