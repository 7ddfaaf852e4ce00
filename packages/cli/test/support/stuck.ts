// A program whose work does not hear the wish to stop: the second press must end it.
import { listenForInterrupt } from "../../src/parts/interrupt.ts";

listenForInterrupt((text) => process.stderr.write(`${text}\n`));
process.stderr.write("ready\n");
setInterval(() => {}, 1000);
