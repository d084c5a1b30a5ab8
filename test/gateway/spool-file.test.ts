// The temporary file itself: private, exact, gone.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SpoolError, SpoolFile } from '@fastcgi/gateway/parts'
import { bytes, NO_TINY_DISK, openFiles, tinyDisk } from '../support/pipe-reply.ts'
import { temporaryDirectory, until } from '../support/process.ts'

const onLinux = process.platform === 'linux' ? false : 'looks into /proc'

async function opened(t: TestContext): Promise<{ file: SpoolFile; directory: string }> {
  const directory = await temporaryDirectory(t)
  const file = new SpoolFile(directory)
  t.after(() => file.close())
  return { file, directory }
}

test(
  'a temporary file has no name, and only its owner may open it',
  { skip: onLinux },
  async (t) => {
    const { directory } = await opened(t)
    assert.deepEqual(fs.readdirSync(directory), [])
    const [path, ...others] = openFiles(directory)!
    assert.deepEqual(others, [])
    assert.equal(fs.statSync(path!).mode & 0o777, 0o600)
  },
)

test('thousands of pieces come back as they were written', async (t) => {
  const { file } = await opened(t)
  const all = bytes(2500 * 37)
  const pieces = Array.from({ length: 2500 }, (_, at) => all.subarray(at * 37, at * 37 + 37))
  await file.write(pieces, 11)
  assert.deepEqual(Buffer.from(await file.read(11, all.length)), Buffer.from(all))
  assert.deepEqual(await file.read(11 + 37, 37), all.slice(37, 74))
})

test('a system that writes less than it was asked to is asked again', async (t) => {
  const { file } = await opened(t)
  const { writev } = fs
  const calls: number[] = []
  const few = ((fd: number, pieces: Uint8Array[], position: number, done: fs.NoParamCallback) => {
    calls.push(position)
    // Ends within a piece, at the end of one, and in the one after it.
    const [first = new Uint8Array()] = pieces
    writev(fd, [first.subarray(0, 7)], position, done as Parameters<typeof writev>[3])
  }) as typeof writev
  t.mock.method(fs, 'writev', few)
  syncBuiltinESMExports()
  const all = bytes(50)
  await file.write([all.subarray(0, 14), all.subarray(14, 15), all.subarray(15)], 0)
  t.mock.restoreAll()
  syncBuiltinESMExports()
  assert.deepEqual(calls, [0, 7, 14, 15, 22, 29, 36, 43])
  assert.deepEqual(await file.read(0, 50), all)
})

test('a full disk is told with its folder and what to do', async (t) => {
  const directory = await tinyDisk(t)
  if (directory === undefined) return t.skip(NO_TINY_DISK)
  const file = new SpoolFile(directory)
  t.after(() => file.close())
  await assert.rejects(file.write([bytes(2 * 1024 * 1024)], 0), (error) => {
    assert.ok(error instanceof SpoolError)
    assert.equal(error.code, 'ENOSPC')
    assert.equal(error.isFull, true)
    assert.equal(error.status, 507)
    assert.ok(error.message.includes(directory))
    assert.match(error.message, /make room there/)
    return true
  })
  // What fitted is there.
  assert.equal((await file.read(0, 1000)).length, 1000)
})

test('a folder that is not there is told', () => {
  assert.throws(
    () => new SpoolFile('/nowhere/at/all'),
    (error) => {
      assert.ok(error instanceof SpoolError)
      assert.equal(error.code, 'ENOENT')
      assert.equal(error.isFull, false)
      assert.match(error.message, /cannot open .*\/nowhere\/at\/all/)
      return true
    },
  )
})

test(
  'closing gives the descriptor back once nothing uses it any more',
  { skip: onLinux },
  async (t) => {
    const directory = await temporaryDirectory(t)
    const file = new SpoolFile(directory)
    const writing = file.write([bytes(1024 * 1024)], 0)
    file.close()
    file.close()
    await writing
    await until('the descriptor is back', () => openFiles(directory)!.length === 0)
    await assert.rejects(file.read(0, 1), /it is closed/)
  },
)

test('a process that is killed leaves no file behind', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `
    const { SpoolFile } = await import(${JSON.stringify(import.meta.resolve('@fastcgi/gateway/parts'))})
    const file = new SpoolFile(${JSON.stringify(directory)})
    await file.write([new Uint8Array(100_000)], 0)
    process.stdout.write('written')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await until('the file is written', () => text === 'written')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual(fs.readdirSync(directory), [])
})

test('a file whose name cannot go while it is open goes when it is closed', async (t) => {
  const directory = await temporaryDirectory(t)
  t.mock.method(fs, 'unlinkSync', () => {
    throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' })
  })
  syncBuiltinESMExports()
  const file = new SpoolFile(directory)
  t.mock.restoreAll()
  syncBuiltinESMExports()
  const [name] = fs.readdirSync(directory)
  assert.equal(fs.statSync(join(directory, name!)).mode & 0o777, 0o600)
  file.close()
  await until('the file is gone', () => fs.readdirSync(directory).length === 0)
})
