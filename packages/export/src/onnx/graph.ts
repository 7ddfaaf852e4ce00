/**
 * An ONNX graph while it is put together: nodes, constants, inputs. Values are named by numbers, so that no name of a field can meet
 * one; whatever a stranger feeds or reads has a name with a slash. Encoding is protobuf-es over the official schema (proto/onnx.proto).
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { OnnxRuntimeError } from "../errors.ts";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./generated/onnx_pb.ts";

/** The operator set: the first with BitwiseAnd and BitwiseXor. */
export const OPSET = 18;
/** The version of the container that came with it. */
export const IR_VERSION = 8;
/** Name of the first axis of every input and output: any number of rows. */
const BATCH = "batch";
/** Protobuf holds up to 2 GiB; larger constants go to a file beside. */
const LARGEST = 2 ** 31 - 2 ** 24;

/** The name of a value in the graph. */
export type Value = string & { readonly __value: unique symbol };

export type ElementType = "f32" | "f16" | "i8" | "i32" | "i64" | "u32" | "bool";

const TYPES: Record<ElementType, TensorProto_DataType> = {
  f32: TensorProto_DataType.FLOAT,
  f16: TensorProto_DataType.FLOAT16,
  i8: TensorProto_DataType.INT8,
  i32: TensorProto_DataType.INT32,
  i64: TensorProto_DataType.INT64,
  u32: TensorProto_DataType.UINT32,
  bool: TensorProto_DataType.BOOL,
};

type Data = Float32Array | Float16Array | Int8Array | Int32Array | Uint32Array | BigInt64Array;

/** An encoded model, and its constants where they are in a file of their own. */
export interface EncodedGraph {
  readonly model: Uint8Array;
  readonly external?: readonly Uint8Array[];
}

export class Graph {
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #small = new Map<string, Value>();
  #next = 0;

  #name(): Value {
    return `v${this.#next++}` as Value;
  }

  /** An input [batch, ...rest]. */
  input(name: string, type: ElementType, rest: readonly number[]): Value {
    this.#inputs.push(infoOf(name, type, rest));
    return name as Value;
  }

  output(name: string, type: ElementType, value: Value, rest: readonly number[] = []): void {
    this.#nodes.push(create(NodeProtoSchema, { opType: "Identity", input: [value], output: [name] }));
    this.#outputs.push(infoOf(name, type, rest));
  }

  /** A constant of any size; its bytes are not copied. */
  constant(type: ElementType, shape: readonly number[], data: Data): Value {
    const name = this.#name();
    this.#constants.push(
      create(TensorProtoSchema, {
        name,
        dataType: TYPES[type],
        dims: shape.map(BigInt),
        rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
      }),
    );
    return name;
  }

  /** Whole numbers, [n], or [] for a single number; the same ones are kept once. */
  ints(values: number | readonly number[]): Value {
    const list = typeof values === "number" ? [values] : values;
    return this.#once(`i64:${JSON.stringify(values)}`, () =>
      this.constant("i64", typeof values === "number" ? [] : [list.length], BigInt64Array.from(list, BigInt)),
    );
  }

  float(value: number): Value {
    return this.#once(`f32:${value}`, () => this.constant("f32", [], Float32Array.of(value)));
  }

  /** One operator with one output. */
  op(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, number | bigint | readonly bigint[]>> = {},
  ): Value {
    const output = this.#name();
    const attribute = Object.entries(attributes).map(([name, v]) =>
      typeof v === "bigint"
        ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: v })
        : typeof v === "object"
          ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: [...v] })
          : create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: v }),
    );
    this.#nodes.push(create(NodeProtoSchema, { opType, input: [...inputs], output: [output], attribute }));
    return output;
  }

  cast(value: Value, type: ElementType): Value {
    return this.op("Cast", [value], { to: BigInt(TYPES[type]) });
  }

  /**
   * The model. Constants over `inline` bytes in all go to a file named `externalName`, which belongs beside the model.
   * Throws OnnxRuntimeError where even the rest is over what protobuf holds.
   */
  encode(options: {
    readonly version: string;
    readonly doc: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly externalName: string;
    readonly inline?: number;
  }): EncodedGraph {
    const bytes = this.#constants.reduce((n, { rawData }) => n + rawData.byteLength, 0);
    const external = bytes > (options.inline ?? LARGEST) ? this.#external(options.externalName) : undefined;
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(IR_VERSION),
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(OPSET) })],
      producerName: "trimtab",
      producerVersion: options.version,
      docString: options.doc,
      metadataProps: Object.entries(options.metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
      graph: create(GraphProtoSchema, {
        name: "model",
        node: this.#nodes,
        initializer: external?.constants ?? this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      }),
    });
    const encoded = toBinary(ModelProtoSchema, model);
    if (encoded.byteLength > 2 ** 31 - 1) {
      throw new OnnxRuntimeError(
        `onnx: the graph takes ${encoded.byteLength} bytes, a file holds 2 GiB; use a scheme of fewer fields.`,
      );
    }
    return { model: encoded, external: external?.parts };
  }

  /** The large constants as references into a file, each aligned to a page as the format recommends. */
  #external(file: string): { readonly constants: TensorProto[]; readonly parts: Uint8Array[] } {
    const parts: Uint8Array[] = [];
    let at = 0;
    const constants = this.#constants.map((constant) => {
      const { rawData, name, dims, dataType } = constant;
      if (rawData.byteLength < 1024) return constant;
      const gap = (4096 - (at % 4096)) % 4096;
      if (gap > 0) parts.push(new Uint8Array(gap));
      at += gap;
      const entries = { location: file, offset: String(at), length: String(rawData.byteLength) };
      parts.push(rawData);
      at += rawData.byteLength;
      return create(TensorProtoSchema, {
        name,
        dims,
        dataType,
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: Object.entries(entries).map(([key, value]) =>
          create(StringStringEntryProtoSchema, { key, value }),
        ),
      });
    });
    return { constants, parts };
  }

  #once(key: string, make: () => Value): Value {
    const found = this.#small.get(key);
    if (found !== undefined) return found;
    const made = make();
    this.#small.set(key, made);
    return made;
  }
}

function infoOf(name: string, type: ElementType, rest: readonly number[]): ValueInfoProto {
  const dim = [
    { value: { case: "dimParam" as const, value: BATCH } },
    ...rest.map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } })),
  ];
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: { case: "tensorType", value: { elemType: TYPES[type], shape: { dim } } },
    }),
  });
}
