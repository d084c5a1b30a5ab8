// What a measurement starts or writes is undone when it ends, the last first, however it ends.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Scope {
  /** @type {(() => unknown)[]} */
  #undo = []

  #closed = false

  /** What comes when all was undone, because a measurement was broken off, is undone at once. @param {() => unknown} undo */
  defer(undo) {
    if (this.#closed) undo()
    else this.#undo.push(undo)
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

  /** Undoes everything, also when some of it fails. @throws the first failure */
  async close() {
    this.#closed = true
    /** @type {unknown[]} */
    const failures = []
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
