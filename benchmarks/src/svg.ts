/** What pictures of the docs have in common: SVG files of their own, drawn without a browser. */
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { writeWhole } from "@trimtab/tensor-core";

/** A line of the legend: how it is drawn, and what it stands for. */
export interface Key {
  readonly name: string;
  readonly stroke: string;
  readonly dash?: string;
}

export const INK = "#222222";

const LEFT = 56;
const widthOf = ({ name }: Key): number => 36 + 7 * name.length;

/** Pixels that the keys take. */
export const legendWidth = (keys: readonly Key[]): number => keys.reduce((n, key) => n + widthOf(key), LEFT);

/** Heading and keys in one row, as SVG: Plot's own legend is HTML beside the picture. */
export function legend(keys: readonly Key[], heading: string): string {
  let x = LEFT;
  const entries = keys.map((key) => {
    const { name, stroke, dash } = key;
    const dashes = dash === undefined ? "" : ` stroke-dasharray="${dash}"`;
    const line = `<line x1="${x}" x2="${x + 18}" y1="32" y2="32" stroke="${stroke}" stroke-width="2"${dashes}/>`;
    const text = `<text x="${x + 23}" y="36" font-size="11" fill="${INK}">${Bun.escapeHTML(name)}</text>`;
    x += widthOf(key);
    return line + text;
  });
  const title = `<text x="${LEFT}" y="18" font-size="13" font-weight="bold" fill="${INK}">${Bun.escapeHTML(heading)}</text>`;
  return `<g text-anchor="start">${title}${entries.join("")}</g>`;
}

/** `title` is what a screen reader says of the picture. */
export const titled = (svg: string, title: string): string =>
  svg.replace(/^<svg[^>]*>/, (tag) => `${tag}<title>${Bun.escapeHTML(title)}</title>`);

export function writeSvg(file: string, svg: string): void {
  const path = resolve(file);
  mkdirSync(dirname(path), { recursive: true });
  writeWhole(path, [new TextEncoder().encode(`${svg}\n`)]);
}
