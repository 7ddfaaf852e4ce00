/** Every error of tensor-core. Messages say what was given, what was expected and how to mend it. */

/** What every error of this package is an instance of. */
export class TensorCoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Shapes that do not fit an op; thrown while the graph is built. */
export class ShapeError extends TensorCoreError {}

/** A dtype that an op does not take. */
export class DTypeError extends TensorCoreError {}

/** A gradient that does not exist or cannot be formed. */
export class GradientError extends TensorCoreError {}

/** Parameter groups or gradients that an optimizer cannot work with. */
export class OptimizerError extends TensorCoreError {}

/** A feed that is missing, unknown, or of the wrong length or type. */
export class FeedError extends TensorCoreError {}

/** A graph that cannot become a program. */
export class CompileError extends TensorCoreError {}

/** No adapter that computes. */
export class NoAdapterError extends TensorCoreError {}

/** A buffer over the adapter's limits. */
export class BufferTooLarge extends TensorCoreError {}

/** The device is gone (driver reset, unplugged, killed). */
export class DeviceLost extends TensorCoreError {}

/** A kernel that the engine's own compiler refuses; the message holds the numbered source. */
export class KernelError extends TensorCoreError {}

/** Use after dispose. */
export class DisposedError extends TensorCoreError {}

/** A checkpoint that is missing, torn, or not of this model. */
export class CheckpointError extends TensorCoreError {}
