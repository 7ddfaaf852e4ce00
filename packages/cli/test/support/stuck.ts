// A program whose work does not hear the wish to stop: the second press must end it.
import { interruptSignal } from "../../src/parts/interrupt.ts";

interruptSignal((text) => process.stderr.write(`${text}\n`));
process.stderr.write("ready\n");
setInterval(() => {}, 1000);
