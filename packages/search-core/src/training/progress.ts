/** What a running training tells its caller. */

export interface TrainProgress {
  readonly kind: "step";
  readonly epoch: number;
  /** Epochs at most. */
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  readonly loss: number;
  readonly rowsPerSecond: number;
  /** Seconds left of this epoch. */
  readonly secondsLeft: number;
}

export interface TrainEvaluation {
  readonly kind: "evaluation";
  readonly epoch: number;
  readonly auc: number;
  readonly logloss: number;
  readonly best: boolean;
  readonly learningRateScale: number;
}

export interface TrainCheckpoint {
  readonly kind: "checkpoint";
  readonly folder: string;
  readonly step: number;
}

/** A run goes on on another device than it was on: equal within rounding from here on, not to the bit. */
export interface TrainMoved {
  readonly kind: "moved";
  readonly from: string;
  readonly to: string;
}

export type TrainEvent = TrainProgress | TrainEvaluation | TrainCheckpoint | TrainMoved;
