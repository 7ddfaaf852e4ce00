/**
 * Studies as one file that goes from machine to machine: settings, cells and trials of every folder below, without the schemes and the
 * adjustments one by one, which no table reads.
 *   bun benchmarks/src/chunk-study/pack.ts pack benchmarks/results/chunk-study.jsonl.gz runs/chunk-study
 *   bun benchmarks/src/chunk-study/pack.ts unpack benchmarks/results/chunk-study.jsonl.gz runs/chunk-study    adds what is not there
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeJson } from "@trimtab/search-core";
import { readLines, writeLines } from "../json-lines.ts";
import type { Answer } from "./trial.ts";

/** One file of a study: "criteo-deepfm/trials/seed-1-dense.json". */
interface Line {
  readonly file: string;
  readonly content: unknown;
}

const [task, packed, folder] = process.argv.slice(2);
if (!packed || !folder || (task !== "pack" && task !== "unpack")) {
  console.error("usage: pack.ts pack FILE STUDIES_FOLDER | pack.ts unpack FILE STUDIES_FOLDER");
  process.exit(2);
}

/** An answer without what no table reads. */
function lean(answer: Answer): unknown {
  const { trained } = answer;
  if (!trained) return answer;
  const { scheme: _, ...config } = trained.row.config;
  const live = trained.live && {
    ...trained.live,
    notes: { ...trained.live.notes, adjustments: [] },
  };
  return { ...answer, trained: { ...trained, row: { ...trained.row, config }, live } };
}

function filesOf(study: string): Line[] {
  const at = join(folder!, study);
  const read = (file: string): unknown => JSON.parse(readFileSync(join(at, file), "utf8"));
  const jsons = (inside: string) =>
    existsSync(join(at, inside))
      ? readdirSync(join(at, inside)).filter((name) => name.endsWith(".json"))
      : [];
  return [
    ...jsons("").map((name) => ({ file: `${study}/${name}`, content: read(name) })),
    ...jsons("trials").map((name) => ({
      file: `${study}/trials/${name}`,
      content: lean(read(`trials/${name}`) as Answer),
    })),
  ];
}

const lines = readLines(packed) as Line[];
const known = new Map(lines.map(({ file, content }) => [file, content]));
if (task === "pack") {
  const studies = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { file, content } of studies.flatMap(({ name }) => filesOf(name))) known.set(file, content);
  const sorted = [...known]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, content]): Line => ({ file, content }));
  writeLines(packed, sorted);
  console.log(`${packed}: ${sorted.length} files of studies`);
} else {
  const absent = [...known].filter(([file]) => !existsSync(join(folder, file)));
  for (const [file, content] of absent) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeJson(join(folder, file), content);
  }
  console.log(`${folder}: ${absent.length} files added of ${known.size}`);
}
