/** The process that runs us, where there is one: Node.js and Bun have it, a browser has not. */
export interface HostProcess {
  readonly platform: string;
  readonly arch: string;
  readonly getBuiltinModule?: (name: string) => unknown;
}

export function hostProcess(): HostProcess | undefined {
  return (globalThis as { process?: HostProcess }).process;
}

/** A module of the host by its name. Not by `import`: bundlers for browsers would stop at it. */
export function hostModule<T>(name: string): T | undefined {
  return hostProcess()?.getBuiltinModule?.(name) as T | undefined;
}
