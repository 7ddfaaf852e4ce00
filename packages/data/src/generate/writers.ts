// Writes the rows of a planted log as they are drawn: as text, or through DuckDB as Parquet.

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBDataChunk, UINTEGER } from "@duckdb/node-api";
import { Duck, name, text } from "../duck.ts";
import type { PlantedLog } from "./truth.ts";

const CHUNK = 2048;

/** The time column of a log that drifts. */
export const TIME = "time";
const START = 1_700_000_000;
const SECONDS = 30 * 86_400;

/** Unix seconds at a share of the log, 0 to 1. */
export const timeAt = (share: number): number => START + Math.floor(share * SECONDS);

// Values are the field's first letter and the rank: u0 is the commonest user. (Of a field that drifts u0 is the first of the
// commonest users, u1 the next to take its rank, and so on.)
const prefix = (field: string): string => field[0] as string;

export async function writeCsv(
  file: string,
  log: PlantedLog,
  rows: number,
  next: (row: number) => 0 | 1,
  timeOf: ((row: number) => number) | undefined,
  check: (done: number) => void,
): Promise<void> {
  const stream = createWriteStream(file);
  const letters = log.fields.map((field) => prefix(field.name));
  let failed: Error | undefined;
  stream.on("error", (error) => {
    failed = error;
  });
  stream.write(`click,${timeOf ? `${TIME},` : ""}${log.fields.map((field) => field.name).join(",")}\n`);
  for (let done = 0; done < rows; ) {
    const until = Math.min(rows, done + 10_000);
    const lines: string[] = [];
    for (; done < until; done++) {
      let line = next(done) === 1 ? "1" : "0";
      if (timeOf) line += `,${timeOf(done)}`;
      for (let f = 0; f < letters.length; f++) line += `,${letters[f]}${log.values[f]}`;
      lines.push(line);
    }
    check(done);
    if (!stream.write(`${lines.join("\n")}\n`)) await once(stream, "drain");
    if (failed) throw failed;
  }
  stream.end();
  await once(stream, "close");
  if (failed) throw failed;
}

export async function writeParquet(
  folder: string,
  log: PlantedLog,
  rows: number,
  next: (row: number) => 0 | 1,
  timeOf: ((row: number) => number) | undefined,
  check: (done: number) => void,
): Promise<void> {
  const work = join(folder, "work");
  const duck = await Duck.open({ folder: work });
  try {
    const before = timeOf ? ["click", TIME] : ["click"];
    const columns = [...before, ...log.fields.map((field) => field.name)];
    await duck.run(`CREATE TABLE log (${columns.map((c) => `${name(c)} UINTEGER`).join(", ")})`);
    const appender = await duck.connection.createAppender("log");
    const types = columns.map(() => UINTEGER);
    for (let done = 0; done < rows; ) {
      const size = Math.min(CHUNK, rows - done);
      const values: number[][] = columns.map(() => new Array<number>(size));
      for (let i = 0; i < size; i++) {
        (values[0] as number[])[i] = next(done + i);
        if (timeOf) (values[1] as number[])[i] = timeOf(done + i);
        for (let f = 0; f < log.fields.length; f++) {
          (values[f + before.length] as number[])[i] = log.values[f] as number;
        }
      }
      const chunk = DuckDBDataChunk.create(types, size);
      chunk.setColumns(values);
      appender.appendDataChunk(chunk);
      done += size;
      // The appender works in this thread; let signals and timers in now and then.
      if (done % (CHUNK * 16) === 0) {
        check(done);
        await new Promise((resume) => setImmediate(resume));
      }
    }
    appender.closeSync();
    check(rows);
    const select = [
      ...before,
      ...log.fields.map((f) => `${text(prefix(f.name))} || ${name(f.name)} AS ${name(f.name)}`),
    ];
    await duck.run(
      `COPY (SELECT ${select.join(", ")} FROM log ORDER BY rowid) TO ${text(join(folder, "log.parquet"))} (FORMAT parquet)`,
    );
  } finally {
    duck.close();
    await rm(work, { recursive: true, force: true });
  }
}
