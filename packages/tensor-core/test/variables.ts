/** Variables without a device, for tests of the graph and the compiler: they have a name and a shape, no content. */
import { type DType, type Shape, Variable } from "../src/index.ts";

const nowhere = {
  write: () => {
    throw new Error("test: this variable has no device");
  },
  read: () => Promise.reject(new Error("test: this variable has no device")),
  release: () => {},
};

export function looseVariable(name: string, shape: Shape, dtype: DType = "f32"): Variable {
  return new Variable(name, shape, dtype, nowhere);
}
