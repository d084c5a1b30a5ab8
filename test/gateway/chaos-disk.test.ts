// A disk that is full: one of 1 MB, and answers and uploads that are larger.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rmdir, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ask, chaosSite, linesOf, marksOf, upload, type ChaosSite } from '../support/chaos.ts'
import { startFpm } from '../support/fpm.ts'
import { startGateway, type RunningGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'

const DISK = 1024 * 1024
/** More than the disk and the buffers of the system take together. */
const LINES = 500_000

/** A disk of its own; undefined when this process may not mount one. */
async function smallDisk(t: TestContext): Promise<string | undefined> {
  const disk = await mkdtemp(join(tmpdir(), 'fcgi-disk-'))
  t.after(async () => {
    // Lazily: what is still open there does not keep it.
    spawnSync('umount', ['-l', disk])
    await rmdir(disk)
  })
  const options = ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', disk]
  return spawnSync('mount', options).status === 0 ? disk : undefined
}

const LIMIT = { timeout: 30_000 }

interface Running extends RunningGateway {
  readonly site: ChaosSite
  readonly disk: string
}

async function start(t: TestContext): Promise<Running | undefined> {
  const site = await chaosSite(t)
  const disk = await smallDisk(t)
  if (disk === undefined) {
    t.skip('needs root, and a system that lets it mount a tmpfs')
    return undefined
  }
  const fpm = await startFpm(t, { workers: 2 })
  const gateway = await startGateway(t, {
    root: site.root,
    backend: { address: fpm.address, connections: 2 },
    requestBody: { directory: disk, memory: 1000 },
    response: { directory: disk, memory: 1000 },
  })
  return { ...gateway, site, disk }
}

const usedOf = async (disk: string): Promise<number> => {
  const { blocks, bfree, bsize } = await statfs(disk)
  return (blocks - bfree) * bsize
}

async function checkNothingIsLeft({ gateway, disk }: Running): Promise<void> {
  await until('no request is left', () => gateway.active === 0)
  await until('the disk is empty', async () => (await usedOf(disk)) === 0)
  assert.deepEqual(await readdir(disk), [])
}

test('an answer that does not fit waits for its client, and arrives whole', LIMIT, async (t) => {
  const running = await start(t)
  if (!running) return
  const { url, log } = running
  let release: (() => void) | undefined
  const hold = new Promise<void>((resolve) => (release = resolve))
  t.after(() => release?.())
  const large = { path: `/large.php?lines=${LINES}`, expected: linesOf(LINES), hold }
  const answers = [ask(url, large), ask(url, large)]
  await until('the disk is full', () => log.text.includes('the disk takes no more of its answer'))
  release!()
  for (const { kind, how } of await Promise.all(answers)) assert.equal(kind, 'whole', how)
  const told = log.entries.find(({ level }) => level === 'warn')
  assert.match(String(told?.fields['error']), /\(ENOSPC: .*\): make room there/)
  await checkNothingIsLeft(running)
})

test(
  'an upload that does not fit is 507 and told in the log; the next one that does is taken',
  LIMIT,
  async (t) => {
    const running = await start(t)
    if (!running) return
    const { url, log, site, disk } = running
    const [first, second] = await Promise.all([
      ask(url, upload('first', 3 * DISK)),
      ask(url, upload('second', 3 * DISK)),
    ])
    assert.deepEqual([first.how, second.how], ['507', '507'])
    assert.deepEqual(marksOf(site), [])
    const entry = log.entries.find(({ level }) => level === 'error')
    assert.equal(entry?.fields['status'], 507)
    assert.match(
      entry.message,
      /POST \/once\.php: cannot write to a temporary file in \S+ \(ENOSPC: /,
    )
    assert.match(
      entry.message,
      /make room there, or choose another folder by requestBody\.directory/,
    )
    await checkNothingIsLeft(running)
    const third = await ask(url, upload('third', DISK / 2))
    assert.equal(third.kind, 'whole', third.how)
    await checkNothingIsLeft(running)
    // Somebody else may have filled it.
    await writeFile(join(disk, 'other'), Buffer.alloc(DISK)).catch(() => {})
    assert.equal((await ask(url, upload('fourth', 20_000))).how, '507')
    assert.equal((await ask(url, upload('small', 500))).kind, 'whole')
  },
)
