/** For Bun and Node.js: trains on as many threads as the argument says, prints the report as JSON and ends by itself. */
import { train } from "./train.ts";

console.log(JSON.stringify(await train(Number(process.argv[2] ?? 1))));
