// Child processes that a person can stop: the child gets each signal once, and we outlive it to pass its exit code on.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";

/** An error whose message is all that a person needs; it is printed without a stack. */
export class SetupError extends Error {
  isSetupError = true;
}

/** Runs quietly; resolves with { code, stdout, stderr }. A program that cannot be started has code null. */
export function capture(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", (error) => done({ code: null, stdout, stderr: String(error.message) }));
    child.on("close", (code, signal) => done({ code: code ?? exitCodeOf(signal), stdout, stderr }));
  });
}

/**
 * Runs a program in the foreground and resolves with its exit code (128 + n where signal n ended it).
 *
 * @param {string} command
 * @param {string[]} args a first argument that is a script is taken from `root`
 * @param {{ cwd?: string, root?: string, seconds?: number, env?: object, shell?: boolean }} options
 *   `seconds`: how long it may take; then it is ended and the code is 124
 */
export function runToEnd(command, args, { cwd, root, seconds, env, shell = false } = {}) {
  const [script, ...rest] = args;
  const argv = root && /\.(ts|mjs)$/.test(script) ? [resolve(root, script), ...rest] : args;
  return new Promise((done, fail) => {
    const child = spawn(command, argv, { cwd, stdio: "inherit", shell, env: { ...process.env, ...env } });
    let timedOut = false;
    const timers = [];
    if (seconds !== undefined) {
      const end = () => {
        timedOut = true;
        console.error(`ended after ${seconds} s, the longest this may take.`);
        child.kill("SIGTERM");
        timers.push(setTimeout(() => child.kill("SIGKILL"), 10_000));
      };
      timers.push(setTimeout(end, seconds * 1000));
    }
    const stopListening = forwardSignals(child);
    const finish = () => {
      timers.forEach(clearTimeout);
      stopListening();
    };
    child.on("error", (error) => {
      finish();
      fail(new SetupError(`cannot start ${command}: ${error.message}`));
    });
    child.on("exit", (code, signal) => {
      finish();
      done(timedOut ? 124 : (code ?? exitCodeOf(signal)));
    });
  });
}

/** Hands signals on while the child lives. Having a listener also keeps us from dying before the child does. */
function forwardSignals(child) {
  let last = 0;
  const listeners = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => {
    const listener = () => {
      // On Ctrl-C a terminal signals the whole group, the child included; a second SIGINT from us would read as
      // "stop at once, without the checkpoint". npm adds a third by handing its own on, hence the pause.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      const now = Date.now();
      if (signal === "SIGINT" && now - last < 1000) return;
      last = now;
      child.kill(signal);
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const stop of listeners) stop();
  };
}

function exitCodeOf(signal) {
  return 128 + (constants.signals[signal] ?? 0);
}
