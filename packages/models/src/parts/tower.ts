/** A tower of fully connected layers: linear, batch norm (if on), relu, dropout; then a linear output, of one number unless said otherwise. */
import { type Draw, denseDraw } from "@trimtab/embeddings";
import {
  add,
  type BatchNormState,
  batchNorm,
  type Device,
  dropout,
  matmul,
  type Rng,
  relu,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";

export interface TowerOptions {
  /** Of its variables: `<name>.0.weight`, ... */
  readonly name?: string;
  /** Numbers of the output; default 1. */
  readonly out?: number;
  /** Relu on the output too; default false. */
  readonly reluLast?: boolean;
  /** First of its random streams, one a layer; towers of one model must not share any. */
  readonly stream?: number;
  readonly hidden: readonly number[];
  readonly batchNorm: boolean;
  readonly dropout: number;
}

interface Layer {
  /** [in, out] */
  readonly weight: Variable;
  /** [out]; absent before a batch norm, which takes any constant away again. */
  readonly bias?: Variable;
  readonly norm?: Required<BatchNormState>;
}

export class Tower {
  readonly #layers: readonly Layer[];
  readonly #dropout: number;
  readonly #stream: number;
  readonly #reluLast: boolean;

  constructor(device: Device, width: number, options: TowerOptions) {
    const { name: tower = "tower", out: last = 1 } = options;
    this.#dropout = options.dropout;
    this.#stream = options.stream ?? 0;
    this.#reluLast = options.reluLast ?? false;
    const widths = [width, ...options.hidden, last];
    this.#layers = widths.slice(1).map((out, i) => {
      const name = `${tower}.${i === options.hidden.length ? "output" : i}`;
      const weight = device.variable(`${name}.weight`, [widths[i]!, out]);
      if (i === options.hidden.length || !options.batchNorm) {
        return { weight, bias: device.variable(`${name}.bias`, [out]) };
      }
      return { weight, norm: normState(device, `${name}.norm`, out) };
    });
  }

  /** Weight matrices, which `hiddenL2` applies to. */
  get matrices(): Variable[] {
    return this.#layers.map(({ weight }) => weight);
  }

  /** Biases and the affine part of batch norms. */
  get vectors(): Variable[] {
    return this.#layers.flatMap(({ bias, norm }) => [
      ...(bias ? [bias] : []),
      ...(norm ? [norm.gamma, norm.beta] : []),
    ]);
  }

  /** Running moments: state that no gradient trains. */
  get moments(): Variable[] {
    return this.#layers.flatMap(({ norm }) => (norm ? [norm.runningMean, norm.runningVariance] : []));
  }

  /** Glorot and Bengio's normal values (2010), as FuxiCTR and BARS: variance 2 / (in + out). Biases start at zero. */
  draws(): Draw[] {
    return this.#layers.map(({ weight }, i) => {
      const [fanIn, fanOut] = weight.shape as [number, number];
      return denseDraw(weight, this.#stream + i, Math.sqrt(2 / (fanIn + fanOut)));
    });
  }

  /**
   * What it reads [B, width] -> [B, out]. With an rng the tower trains: dropout is on and batch norms use and move their moments. `reads`
   * multiplies it by a matrix [width, n]: where it is made of parts, it may know a cheaper way than to put them together.
   */
  apply(
    reads: (weight: Tensor) => Tensor,
    rng: Rng | undefined,
  ): { readonly output: Tensor; readonly updates: Tensor[] } {
    const updates: Tensor[] = [];
    let h = reads(this.#layers[0]!.weight.value);
    this.#layers.forEach(({ weight, bias, norm }, i) => {
      if (i > 0) h = matmul(h, weight.value);
      if (bias) h = add(h, bias.value);
      if (i === this.#layers.length - 1) {
        if (this.#reluLast) h = relu(h);
        return;
      }
      if (norm) {
        const normed = batchNorm(h, norm, { training: rng !== undefined });
        h = normed.output;
        updates.push(...normed.updates);
      }
      h = relu(h);
      if (rng) h = dropout(h, this.#dropout, rng, this.#stream + i);
    });
    return { output: h, updates };
  }
}

function normState(device: Device, name: string, width: number): Required<BatchNormState> {
  const ones = () => new Float32Array(width).fill(1);
  return {
    gamma: device.variable(`${name}.gamma`, [width], { data: ones() }),
    beta: device.variable(`${name}.beta`, [width]),
    runningMean: device.variable(`${name}.mean`, [width]),
    runningVariance: device.variable(`${name}.variance`, [width], { data: ones() }),
  };
}
