// A DuckDB of our own: bounded memory, spill folder, interruptible, and SQL quoting. Nothing here knows about logs.

import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import { ResourceError, StoppedError } from "./errors.ts";

/** 'text' as an SQL literal. */
export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
/** "name" as an SQL identifier. */
export const name = (value: string): string => `"${value.replaceAll('"', '""')}"`;

/** How a {@link Duck} may use the machine. */
export interface DuckOptions {
  /** For the database file and spilled data; omitted: in memory, no spilling. */
  folder?: string;
  /** DuckDB's own limit, e.g. "1GB". Buffers above it spill to `folder`. */
  memoryLimit?: string;
  threads?: number;
  signal?: AbortSignal | undefined;
}

function resourceError(error: unknown): ResourceError | undefined {
  const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "";
  if (/^Out of Memory|could not allocate|failed to allocate/i.test(message)) {
    return new ResourceError(`out of memory (${message})`, "Raise memoryLimit, or use fewer threads");
  }
  if (/No space left|max_temp_directory_size/i.test(message)) {
    return new ResourceError(
      `out of disk space (${message})`,
      "Free space where the output goes: spilled data lies there",
    );
  }
  return undefined;
}

/** A connection that can be interrupted and always cleans up after itself. */
export class Duck {
  readonly #onAbort: () => void;
  private constructor(
    readonly instance: DuckDBInstance,
    readonly connection: DuckDBConnection,
    readonly signal: AbortSignal | undefined,
  ) {
    this.#onAbort = () => connection.interrupt();
    signal?.addEventListener("abort", this.#onAbort);
  }

  static async open(options: DuckOptions = {}): Promise<Duck> {
    const config: Record<string, string> = {
      memory_limit: options.memoryLimit ?? "1GB",
      // No look-ups on the network, whatever a query says.
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    };
    // Each thread needs working memory of its own, so a machine of many cores must not use them all under a small limit.
    config.threads = String(options.threads ?? Math.min(4, availableParallelism()));
    let path = ":memory:";
    if (options.folder) {
      await mkdir(options.folder, { recursive: true });
      path = join(options.folder, "work.duckdb");
      config.temp_directory = join(options.folder, "spill");
    }
    const instance = await DuckDBInstance.create(path, config);
    const connection = await instance.connect();
    return new Duck(instance, connection, options.signal);
  }

  /** @throws StoppedError when the signal says so */
  check(): void {
    if (this.signal?.aborted) {
      throw new StoppedError(
        "stopped before the end",
        "Nothing half-written was left; run again to start over",
      );
    }
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    try {
      return await work();
    } catch (error) {
      this.check();
      throw resourceError(error) ?? error;
    }
  }

  /** Runs a statement; `progress` gets DuckDB's own share done, 0 to 1, a few times a second. */
  async run(sql: string, progress?: (share: number) => void): Promise<void> {
    progress?.(0);
    const timer = progress
      ? setInterval(() => {
          const { percentage } = this.connection.progress;
          if (percentage >= 0) progress(Math.min(1, percentage / 100));
        }, 200)
      : undefined;
    try {
      await this.#guard(() => this.connection.run(sql));
    } finally {
      clearInterval(timer);
    }
    progress?.(1);
  }

  /** All rows of a small result; numbers as numbers, text as text, missing as null. */
  async rows<T extends Record<string, number | string | null>>(sql: string): Promise<T[]> {
    return this.#guard(async () => {
      const reader = await this.connection.runAndReadAll(sql);
      return reader.getRowObjects().map((row) => {
        const plain: Record<string, number | string | null> = {};
        for (const [key, value] of Object.entries(row)) {
          if (typeof value === "bigint" || typeof value === "boolean") plain[key] = Number(value);
          else if (typeof value === "number" || value === null) plain[key] = value;
          else plain[key] = String(value);
        }
        return plain as T;
      });
    });
  }

  /** The one row of a result that has one. */
  async row<T extends Record<string, number | string | null>>(sql: string): Promise<T> {
    return (await this.rows<T>(sql))[0] as T;
  }

  /** Column chunks as they come, in order, in bounded memory. */
  async *chunks(sql: string): AsyncGenerator<DuckDBDataChunk> {
    const result = await this.#guard(() => this.connection.stream(sql));
    for (;;) {
      const chunk = await this.#guard(() => result.fetchChunk());
      if (!chunk || chunk.rowCount === 0) return;
      yield chunk;
    }
  }

  close(): void {
    this.signal?.removeEventListener("abort", this.#onAbort);
    this.connection.closeSync();
    this.instance.closeSync();
  }
}
