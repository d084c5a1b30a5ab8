// The part of php-wasm that is used here; the packages are optional, so their own types may be missing.

import type { EmbeddedModules } from './find.ts'

/** One request, as `PHP.runStream` takes it. */
export interface PhpRun {
  scriptPath?: string
  code?: string
  relativeUri?: string
  method?: string
  headers?: Record<string, string>
  body?: Uint8Array
  $_SERVER?: Record<string, string>
}

/** An answer that is still coming. */
export interface PhpRunning {
  /** JSON with the status and the header lines, whole before the first byte of stdout. */
  getHeadersStream(): ReadableStream<ArrayBufferView>
  readonly stdout: ReadableStream<ArrayBufferView>
  readonly stderr: ReadableStream<ArrayBufferView>
  /** Rejects when the WebAssembly itself has failed: the instance is of no use then. */
  readonly exitCode: Promise<number>
}

/** Emscripten's file system. */
export interface EmscriptenFs {
  readonly filesystems: { readonly NODEFS: unknown }
  open: (path: string, flags: string | number, mode?: number, ...more: unknown[]) => unknown
  mount(type: unknown, options: { root: string }, at: string): void
  unmount(at: string): void
}

/** One PHP. */
export interface PhpInstance {
  setSapiName(name: string): Promise<void>
  mount(
    at: string,
    handler: (php: PhpInstance, fs: EmscriptenFs, at: string) => () => void,
  ): Promise<unknown>
  mkdir(path: string): void
  fileExists(path: string): boolean
  isFile(path: string): boolean
  readFileAsText(path: string): string
  writeFile(path: string, data: string): void
  chdir(path: string): void
  runStream(run: PhpRun): Promise<PhpRunning>
}

interface Universal {
  readonly PHP: new (runtime: number) => PhpInstance
  readonly loadPHPRuntime: (
    module: unknown,
    options: { processId: number; ENV: Readonly<Record<string, string>> },
  ) => Promise<number>
}

interface Build {
  readonly getPHPLoaderModule: () => Promise<unknown>
}

/** A fresh PHP with this environment. */
export async function loadPhp(
  { universal, build }: EmbeddedModules,
  env: Readonly<Record<string, string>>,
): Promise<PhpInstance> {
  const { PHP, loadPHPRuntime } = (await import(universal)) as Universal
  const { getPHPLoaderModule } = (await import(build)) as Build
  return new PHP(await loadPHPRuntime(await getPHPLoaderModule(), { processId: 1, ENV: env }))
}
