// A stream that comes in by records and is read by an application: when it is not read, the connection is held up.

import { copyBytes } from '../protocol/index.ts'

const HIGH_WATER = 64 * 1024

/** One of the streams of a request (stdin, data). */
export class IncomingBody {
  readonly stream: ReadableStream<Uint8Array>
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined

  /** @param onPull Called when there is room again. */
  constructor(onPull: () => void) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: onPull,
        cancel: () => {
          this.#controller = undefined
          onPull()
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
    )
  }

  /** True while more is waiting than should be. */
  get full(): boolean {
    return this.#controller !== undefined && (this.#controller.desiredSize ?? 0) <= 0
  }

  /** Adds a copy of the data; drops it when nobody will read it. */
  push(data: Uint8Array): void {
    this.#controller?.enqueue(copyBytes(data))
  }

  end(): void {
    this.#controller?.close()
    this.#controller = undefined
  }

  fail(error: unknown): void {
    this.#controller?.error(error)
    this.#controller = undefined
  }
}
