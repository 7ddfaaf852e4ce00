/** @trimtab/search-sseds: single-shot embedding dimension search. */
export { type AllocationOptions, allocate, type Kept, removalOrder } from "./allocate.ts";
export { computeSaliency, type Saliency, type SaliencyOptions } from "./saliency.ts";
export { type SsedsConfig, sseds, ssedsConfigSchema } from "./sseds.ts";
export { saliencyTable } from "./table.ts";
