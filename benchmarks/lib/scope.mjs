// What a measurement starts or writes is undone when it ends, the last first, however it ends.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Scope {
  /** @type {(() => unknown)[]} */
  #undo = []

  /** @param {() => unknown} undo */
  defer(undo) {
    this.#undo.push(undo)
  }

  /** A folder that servers which give up their rights can read as well. @param {string} name */
  folder(name) {
    const folder = mkdtempSync(join(tmpdir(), `fcgi-bench-${name}-`))
    chmodSync(folder, 0o755)
    this.defer(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  /**
   * A part of this scope that ends earlier.
   *
   * @template T
   * @param {(scope: Scope) => Promise<T>} run
   * @returns {Promise<T>}
   */
  async within(run) {
    const part = new Scope()
    this.defer(() => part.close())
    try {
      return await run(part)
    } finally {
      await part.close()
    }
  }

  async close() {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) await undo()
  }
}
