/**
 * What every thread runs between kernels, as WebAssembly: the loop over a program's phases, the wait for the next job. In JavaScript the
 * same costs a call into WebAssembly a phase and slow Atomics; here a phase costs one indirect call.
 *
 * Threads come and go: a phase's work is taken in units, so whoever is there does it, and nobody waits for a thread that has other
 * work. One word of 64 bits says which phase of which job it is and how many threads are in it. A thread enters by adding itself, only
 * as long as that word is what it looked at; the last one to leave moves the word to the next phase. While a thread is in, neither
 * the phase nor the job can end, so what it reads about them is theirs; one that is late for a job finds another number there.
 *
 * Waiting: look at the word for a bounded number of turns, then sleep on it. Who changes a word wakes the sleepers only if
 * there are any. A sleeper counts itself before it looks at the word for the last time (wait32 does that look), and who changes
 * the word looks at the count after, so no wake-up is lost.
 *
 * How long to look adapts: where two threads share a core (other programs run too), every look is lost time, as the one looked for
 * stands still meanwhile; 50 barriers took 2.2 ms with looks of 40 us and 0.5 ms without. So a look in vain halves the next, one
 * that pays doubles it, and every 32nd in vain is followed by a full one, to see whether times have changed.
 */
import wabt from "wabt";
import { CONTROL, CONTROL_BYTES, STALLED } from "./control.ts";

/** Exports of the driver. Addresses are bytes of the shared memory. */
export interface Driver {
  /**
   * Who this thread is and how long it looks before it sleeps, in turns of the loop. `sleeps`: whether it may sleep at all
   * (a browser's main thread may not). `slice`: turns of about a second, for a thread that may not sleep. `patience`: seconds thread 0
   * waits for a worker that is in a phase.
   */
  setup(
    thread: number,
    threads: number,
    barrierTurns: number,
    idleTurns: number,
    sleeps: number,
    slice: number,
    patience: number,
  ): void;
  /** Thread 0, when the last job is over: zeroes counters, publishes the job, wakes the workers; the job's number. */
  start(list: number, count: number, work: number, counters: number, counterBytes: number): number;
  /** Takes part in a job until its phase `until` begins (OVER: to its end), or it is over; 0 or 1 (broken). */
  phases(job: number, until: number): number;
  /** Worker: runs jobs until a message waits (0), or it shall leave (1). `received`: messages taken so far. */
  serve(received: number): number;
  /** Thread 0: a message is about to be posted. */
  announce(): void;
  /** Ends all waiting, on all threads. */
  break(code: number): void;
  /** Thread 0: workers shall leave. */
  quit(): void;
  /** Looks at a word that does not change, `turns` times: to measure a turn. */
  look(turns: number): void;
}

/** Bits of the state's low half that count the threads in a phase; the phase's number is above them. */
const PHASE_SHIFT = 9;
/** The phase of a job that is over: no program has as many. */
export const OVER = 2 ** (32 - PHASE_SHIFT) - 1;

const at = (address: number): string => `(i32.const ${address})`;
const load = (address: number): string => `(i32.atomic.load ${at(address)})`;
const load64 = (address: number): string => `(i64.atomic.load ${at(address)})`;
const store = (address: number, value: string): string => `(i32.atomic.store ${at(address)} ${value})`;
const add = (address: number, value: number): string =>
  `(i32.atomic.rmw.add ${at(address)} (i32.const ${value}))`;
const wake = (address: number): string => `(drop (memory.atomic.notify ${at(address)} (i32.const -1)))`;

/** Waits as $await does, with the look's length of its own kind ("barrier" or "idle"). */
const adaptive = (kind: string, word: number, seen: string, sleepers: number): string => `
    (local.set $turns (select (global.get $${kind}_turns) (global.get $${kind}_look)
      (i32.eq (i32.and (global.get $${kind}_vain) (i32.const 31)) (i32.const 31))))
    (if (call $await ${at(word)} ${seen} (local.get $turns) ${at(sleepers)})
      (then
        (global.set $${kind}_vain (i32.const 0))
        (local.set $turns (i32.shl (local.get $turns) (i32.const 1)))
        (global.set $${kind}_look (select (local.get $turns) (global.get $${kind}_turns)
          (i32.lt_s (local.get $turns) (global.get $${kind}_turns)))))
      (else
        (global.set $${kind}_vain (i32.add (global.get $${kind}_vain) (i32.const 1)))
        (local.set $turns (i32.shr_s (global.get $${kind}_turns) (i32.const 6)))
        (global.set $${kind}_look (i32.shr_s (global.get $${kind}_look) (i32.const 1)))
        (global.set $${kind}_look (select (global.get $${kind}_look) (local.get $turns)
          (i32.gt_s (global.get $${kind}_look) (local.get $turns))))))`;

const C = CONTROL;

/** The driver's text, for a shared or an unshared memory. */
export function driverText(shared: boolean): string {
  return `(module
  (import "env" "memory" (memory 1 65536${shared ? " shared" : ""}))
  (import "env" "table" (table 1 funcref))
  (type $phase (func (param i32 i32 i32 i32)))
  (global $thread (mut i32) (i32.const 0))
  (global $threads (mut i32) (i32.const 1))
  (global $barrier_turns (mut i32) (i32.const 0))
  (global $barrier_look (mut i32) (i32.const 0))
  (global $barrier_vain (mut i32) (i32.const 0))
  (global $idle_turns (mut i32) (i32.const 0))
  (global $idle_look (mut i32) (i32.const 0))
  (global $idle_vain (mut i32) (i32.const 0))
  (global $sleeps (mut i32) (i32.const 0))
  (global $slice (mut i32) (i32.const 1000000))
  (global $patience (mut i32) (i32.const 0))
  (global $seen_wake (mut i32) (i32.const 0))
  (global $seen_job (mut i32) (i32.const 0))

  (func (export "setup") (param i32 i32 i32 i32 i32 i32 i32)
    (global.set $thread (local.get 0))
    (global.set $threads (local.get 1))
    (global.set $barrier_turns (local.get 2))
    (global.set $barrier_look (local.get 2))
    (global.set $idle_turns (local.get 3))
    (global.set $idle_look (local.get 3))
    (global.set $sleeps (local.get 4))
    (global.set $slice (local.get 5))
    (global.set $patience (local.get 6)))

  ;; Looks until the word differs from $seen (1) or the turns are used up (0).
  (func $look (param $word i32) (param $seen i32) (param $turns i32) (result i32)
    (loop $turn
      (if (i32.ne (i32.atomic.load (local.get $word)) (local.get $seen)) (then (return (i32.const 1))))
      (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
      (br_if $turn (i32.gt_s (local.get $turns) (i32.const 0))))
    (i32.const 0))

  (func (export "look") (param $turns i32)
    (drop (call $look ${at(C.claim)} ${load(C.claim)} (local.get $turns))))

  ;; Returns when the word differs from $seen or the pool is broken; 1 where looking was enough, 0 after a sleep.
  (func $await (param $word i32) (param $seen i32) (param $turns i32) (param $sleepers i32) (result i32)
    (local $slices i32)
    (if (call $look (local.get $word) (local.get $seen) (local.get $turns)) (then (return (i32.const 1))))
    (loop $again
      (if (global.get $sleeps)
        (then
          (drop (i32.atomic.rmw.add (local.get $sleepers) (i32.const 1)))
          (if (i32.eqz ${load(C.broken)})
            (then
              (drop (memory.atomic.wait32 (local.get $word) (local.get $seen) (i64.const 1000000000)))))
          (drop (i32.atomic.rmw.sub (local.get $sleepers) (i32.const 1))))
        (else
          (drop (call $look (local.get $word) (local.get $seen) (global.get $slice)))))
      (if (i32.ne (i32.atomic.load (local.get $word)) (local.get $seen)) (then (return (i32.const 0))))
      (if ${load(C.broken)} (then (return (i32.const 0))))
      ;; Nobody tells thread 0 that a worker has died while it waits here: after long enough it gives up.
      (if (i32.eqz (global.get $thread))
        (then
          (local.set $slices (i32.add (local.get $slices) (i32.const 1)))
          (if (i32.ge_u (local.get $slices) (global.get $patience))
            (then (call $break (i32.const ${STALLED}))))))
      (br $again))
    (unreachable))

  ;; This thread's part of a phase of the job.
  (func $run (param $phase i32)
    (local $at i32)
    (i32.store (i32.add ${at(C.phases)} (i32.shl (global.get $thread) (i32.const 6))) (local.get $phase))
    (local.set $at (i32.add (i32.load ${at(C.jobList)}) (i32.mul (local.get $phase) (i32.const 12))))
    (call_indirect (type $phase)
      (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at))
      (i32.load (i32.add ${at(C.scratches)} (i32.shl (global.get $thread) (i32.const 2))))
      (i32.load ${at(C.jobWork)})
      (i32.load (local.get $at))))

  ;; 0, or 1 where the pool is broken.
  (func $phases (export "phases") (param $job i32) (param $until i32) (result i32)
    (local $state i64) (local $phase i32) (local $following i32) (local $generation i32) (local $turns i32)
    (if (i32.eq (global.get $threads) (i32.const 1))
      (then
        (call $alone (local.get $until))
        (return (i32.const 0))))
    (loop $next
      ;; Read before the phase is left: if it changes from then on, the phase is over.
      (local.set $generation ${load(C.generation)})
      (local.set $state ${load64(C.state)})
      (if (i32.ne (i32.wrap_i64 (i64.shr_u (local.get $state) (i64.const 32))) (local.get $job))
        (then (return (i32.const 0))))
      (local.set $phase (i32.shr_u (i32.wrap_i64 (local.get $state)) (i32.const ${PHASE_SHIFT})))
      (if (i32.ge_u (local.get $phase) (local.get $until)) (then (return (i32.const 0))))
      (br_if $next (i64.ne (local.get $state)
        (i64.atomic.rmw.cmpxchg ${at(C.state)} (local.get $state) (i64.add (local.get $state) (i64.const 1)))))

      (call $run (local.get $phase))
      (local.set $following (i32.add (local.get $phase) (i32.const 1)))
      (loop $leave
        (local.set $state ${load64(C.state)})
        (if (i32.eq (i32.and (i32.wrap_i64 (local.get $state)) (i32.const ${(1 << PHASE_SHIFT) - 1})) (i32.const 1))
          (then
            ;; The last one here: on to the next phase, or the job is over.
            (br_if $leave (i64.ne (local.get $state)
              (i64.atomic.rmw.cmpxchg ${at(C.state)} (local.get $state)
                (i64.or
                  (i64.shl (i64.extend_i32_u (local.get $job)) (i64.const 32))
                  (i64.extend_i32_u (i32.shl
                    (select (i32.const ${OVER}) (local.get $following)
                      (i32.eq (local.get $following) (i32.load ${at(C.jobCount)})))
                    (i32.const ${PHASE_SHIFT})))))))
            (drop ${add(C.generation, 1)})
            (if ${load(C.barrierSleepers)} (then ${wake(C.generation)})))
          (else
            (br_if $leave (i64.ne (local.get $state)
              (i64.atomic.rmw.cmpxchg ${at(C.state)} (local.get $state) (i64.sub (local.get $state) (i64.const 1)))))
            ${adaptive("barrier", C.generation, "(local.get $generation)", C.barrierSleepers)}
            (if ${load(C.broken)} (then (return (i32.const 1)))))))
      (br $next))
    (unreachable))

  ;; The same where there is no other thread, and memory may not be shared: nothing to agree on.
  (func $alone (param $until i32)
    (local $phase i32)
    (local.set $phase (i32.load ${at(C.phases)}))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $phase) (local.get $until)))
        (br_if $done (i32.ge_u (local.get $phase) (i32.load ${at(C.jobCount)})))
        (call $run (local.get $phase))
        (local.set $phase (i32.add (local.get $phase) (i32.const 1)))
        (br $next)))
    (i32.store ${at(C.phases)} (local.get $phase)))

  (func $wake_idle
    (drop ${add(C.wake, 1)})
    (if ${load(C.idleSleepers)} (then ${wake(C.wake)})))

  (func (export "start") (param $list i32) (param $count i32) (param $work i32) (param $counters i32) (param $bytes i32)
    (result i32)
    (local $job i32)
    (memory.fill (local.get $counters) (i32.const 0) (local.get $bytes))
    (i32.store ${at(C.jobList)} (local.get $list))
    (i32.store ${at(C.jobCount)} (local.get $count))
    (i32.store ${at(C.jobWork)} (local.get $work))
    (i32.store ${at(C.phases)} (i32.const 0))
    (local.set $job (i32.add ${load(C.job)} (i32.const 1)))
    (if (i32.gt_u (global.get $threads) (i32.const 1))
      (then
        (i64.atomic.store ${at(C.state)} (i64.shl (i64.extend_i32_u (local.get $job)) (i64.const 32)))
        ${store(C.job, "(local.get $job)")}
        (call $wake_idle)))
    (local.get $job))

  (func (export "serve") (param $received i32) (result i32)
    (local $job i32) (local $turns i32)
    (loop $again
      (global.set $seen_wake ${load(C.wake)})
      (if ${load(C.broken)} (then (return (i32.const 1))))
      (if ${load(C.quit)} (then (return (i32.const 1))))
      ;; Messages first: a job may need what they bring. The job is read before, so one posted in between waits a turn.
      (local.set $job ${load(C.job)})
      (if (i32.ne ${load(C.messages)} (local.get $received)) (then (return (i32.const 0))))
      (if (i32.ne (local.get $job) (global.get $seen_job))
        (then
          (global.set $seen_job (local.get $job))
          (br_if $again (i32.eqz (call $phases (local.get $job) (i32.const ${OVER}))))
          (return (i32.const 1))))
      ${adaptive("idle", C.wake, "(global.get $seen_wake)", C.idleSleepers)}
      (br $again))
    (unreachable))

  (func (export "announce")
    (drop ${add(C.messages, 1)})
    (call $wake_idle))

  (func (export "quit")
    ${store(C.quit, "(i32.const 1)")}
    (call $wake_idle))

  (func $break (export "break") (param $code i32)
    (drop (i32.atomic.rmw.cmpxchg ${at(C.broken)} (i32.const 0) (local.get $code)))
    (drop ${add(C.generation, 1)})
    (drop ${add(C.wake, 1)})
    ${wake(C.generation)}
    ${wake(C.wake)})
)`;
}

const encoded = new Map<boolean, Promise<WebAssembly.Module>>();

/** The driver, encoded once a process and kind of memory. */
export function driverModule(shared: boolean): Promise<WebAssembly.Module> {
  let module = encoded.get(shared);
  if (module === undefined) {
    module = encode(driverText(shared));
    encoded.set(shared, module);
  }
  return module;
}

async function encode(text: string): Promise<WebAssembly.Module> {
  const parsed = (await wabt()).parseWat("driver", text, { threads: true, bulk_memory: true });
  try {
    return await WebAssembly.compile(parsed.toBinary({}).buffer as Uint8Array<ArrayBuffer>);
  } finally {
    parsed.destroy();
  }
}

if (CONTROL.phases + 64 * 256 > CONTROL_BYTES)
  throw new Error("The control area is too small for its words.");
