/** A WGSL module around the statements of a kernel. */
import type { Bindings } from "./bindings.ts";
import { functionTexts } from "./functions.ts";
import { Params } from "./params.ts";

/** A whole module: functions, bindings, then `main`. `body` may use the builtins wid, lid, li (local index) and nwg (number of workgroups). */
export function moduleText(
  bindings: Bindings,
  functions: ReadonlySet<string>,
  workgroupSize: readonly [number, number, number],
  body: readonly string[],
  params: Params = new Params({ software: false }),
): string {
  const size = workgroupSize.join(", ");
  return `${functionTexts(functions)}${bindings.declarations()}${params.declaration(bindings.list.length)}
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) li: u32, @builtin(num_workgroups) nwg: vec3<u32>) {
${indent([...params.lines(), ...body])}
}
`;
}

function indent(lines: readonly string[]): string {
  let depth = 1;
  return lines
    .flatMap((line) => line.split("\n"))
    .map((line) => {
      if (line.startsWith("}")) depth--;
      const text = "  ".repeat(depth) + line;
      if (line.endsWith("{")) depth++;
      return text;
    })
    .join("\n");
}
