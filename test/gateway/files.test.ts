// What is seen of a disk: real folders, with everything in them that is no plain file.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { FileTree, type FileTreeOptions } from '@fastcgi/gateway/parts'
import { LONG_AGO, writeTree, type Content } from '../support/file-trees.ts'
import { temporaryDirectory, until } from '../support/process.ts'

/** A folder with a `root` in it, and the tree of that. Nothing is remembered, unless a test is about that. */
async function treeOf(
  t: TestContext,
  files: Readonly<Record<string, Content>>,
  options: FileTreeOptions = { ttl: 0 },
): Promise<{ readonly folder: string; readonly root: string; readonly tree: FileTree }> {
  const folder = await temporaryDirectory({ after: (clean) => t.after(clean) })
  mkdirSync(join(folder, 'root'))
  writeTree(folder, files)
  const root = join(folder, 'root')
  return { folder, root, tree: new FileTree(root, options) }
}

/** The content of an open file, which it closes. */
function contentOf(tree: FileTree, path: string): string | undefined {
  const file = tree.open(path)
  if (file === undefined) return undefined
  try {
    return readFileSync(file.fd, 'utf8')
  } finally {
    closeSync(file.fd)
  }
}

/** How many files this process has open below a folder. */
function openBelow(folder: string): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return targets.filter((target) => target.startsWith(folder)).length
}

describe('a tree sees', () => {
  test('a file with its size and the time of its last change', async (t) => {
    const { tree } = await treeOf(t, { 'root/a.txt': 'hello' })
    assert.deepEqual(tree.look('/a.txt'), { kind: 'file', size: 5, modified: LONG_AGO.getTime() })
  })

  test('folders, with and without a slash behind them', async (t) => {
    const { tree } = await treeOf(t, { 'root/a/b.txt': '' })
    for (const path of ['/', '/a', '/a/']) assert.equal(tree.look(path)?.kind, 'directory', path)
  })

  test('nothing where nothing is', async (t) => {
    const { tree } = await treeOf(t, { 'root/a.txt': '' })
    for (const path of ['/b', '/a.txt/', '/a.txt/b.php', `/${'x'.repeat(300)}`]) {
      assert.equal(tree.look(path), undefined, path)
      assert.equal(tree.open(path), undefined, path)
    }
  })

  test('nothing above itself, whoever forgot to take the dots out', async (t) => {
    const { tree } = await treeOf(t, { 'root/a/b': '', secret: 'x' })
    for (const path of ['/../secret', '/a/../../secret', '/..', 'secret', '', '/a/./b', '/a\0']) {
      assert.equal(tree.look(path), undefined, path)
      assert.equal(tree.open(path), undefined, path)
    }
  })

  test('names that are not UTF-8, byte by byte', async (t) => {
    const { root, tree } = await treeOf(t, {})
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0xe9)]), 'latin')
    writeFileSync(join(root, 'é'), 'utf')
    assert.equal(tree.look('/\xff\xe9')?.size, 5)
    assert.equal(contentOf(tree, '/\xff\xe9'), 'latin')
    assert.equal(contentOf(tree, '/\xc3\xa9'), 'utf')
    assert.equal(tree.look('/\xe9'), undefined)
  })

  test('no fifo, socket or device, and does not wait for one', async (t) => {
    const { root, tree } = await treeOf(t, { 'root/null': { link: '/dev/null' } })
    execFileSync('mkfifo', [join(root, 'fifo')])
    for (const path of ['/fifo', '/null']) {
      assert.equal(tree.look(path), undefined, path)
      assert.equal(tree.open(path), undefined, path)
    }
    assert.equal(openBelow(root), 0)
  })

  test('below a root with a name that is not ASCII', async (t) => {
    const { folder } = await treeOf(t, { 'würzel/ä.txt': 'a' })
    const tree = new FileTree(join(folder, 'würzel'))
    assert.equal(contentOf(tree, '/\xc3\xa4.txt'), 'a')
    assert.ok(tree.realRoot().endsWith('/würzel'))
  })
})

describe('opening', () => {
  test('tells of the file that it has opened, not of the one that was seen', async (t) => {
    const { root, tree } = await treeOf(t, { 'root/a': 'old' }, { ttl: 60_000 })
    assert.equal(tree.look('/a')?.size, 3)
    writeFileSync(join(root, 'a'), 'newer')
    const file = tree.open('/a')
    assert.equal(file?.entry.size, 5)
    if (file) closeSync(file.fd)
  })

  test('forgets what is gone, and leaves nothing open', async (t) => {
    const { root, tree } = await treeOf(t, { 'root/a': 'x', 'root/b': 'x' }, { ttl: 60_000 })
    for (const name of ['a', 'b']) assert.equal(tree.look(`/${name}`)?.kind, 'file')
    rmSync(join(root, 'a'))
    rmSync(join(root, 'b'))
    mkdirSync(join(root, 'b'))
    assert.equal(tree.open('/a'), undefined)
    assert.equal(tree.look('/a'), undefined)
    assert.equal(tree.open('/b'), undefined)
    assert.equal(tree.look('/b')?.kind, 'directory')
    assert.equal(openBelow(root), 0)
  })

  test(
    'says what the system says when it may not',
    { skip: process.getuid?.() === 0 && 'root may read everything' },
    async (t) => {
      const { root, tree } = await treeOf(t, { 'root/a': 'x' })
      chmodSync(join(root, 'a'), 0)
      assert.throws(() => tree.open('/a'), { code: 'EACCES' })
    },
  )
})

const LINKS: Readonly<Record<string, Content>> = {
  'root/a.txt': 'inside',
  'root/in': { link: 'a.txt' },
  'root/out': { link: '../secret' },
  'root/dir': { link: '../private' },
  'root/beside': { link: '../root-two/key' },
  'root/loop': { link: 'loop' },
  'root/dangling': { link: 'nowhere' },
  secret: 'outside',
  'private/key': 'outside',
  'root-two/key': 'outside',
}

describe('symlinks', () => {
  test('are followed by default', async (t) => {
    const { tree } = await treeOf(t, LINKS)
    assert.equal(contentOf(tree, '/in'), 'inside')
    assert.equal(contentOf(tree, '/out'), 'outside')
    assert.equal(contentOf(tree, '/dir/key'), 'outside')
  })

  test('are nothing where they lead nowhere', async (t) => {
    const { tree } = await treeOf(t, LINKS)
    for (const path of ['/loop', '/dangling']) {
      assert.equal(tree.look(path), undefined, path)
      assert.equal(tree.open(path), undefined, path)
    }
  })

  test('are not followed out of the root when that is off', async (t) => {
    const { tree, root } = await treeOf(t, LINKS, { followSymlinks: false, ttl: 0 })
    assert.equal(contentOf(tree, '/in'), 'inside')
    for (const path of ['/out', '/dir', '/dir/key', '/beside', '/loop']) {
      assert.equal(tree.look(path), undefined, path)
      assert.equal(tree.open(path), undefined, path)
    }
    assert.equal(openBelow(root), 0)
  })

  test('that come in after the look are not followed out either', async (t) => {
    const { tree, root } = await treeOf(
      t,
      { ...LINKS, 'root/sub/key': 'inside' },
      { followSymlinks: false, ttl: 60_000 },
    )
    assert.equal(tree.look('/a.txt')?.kind, 'file')
    assert.equal(tree.look('/sub/key')?.kind, 'file')
    rmSync(join(root, 'a.txt'))
    symlinkSync('../secret', join(root, 'a.txt'))
    rmSync(join(root, 'sub'), { recursive: true })
    symlinkSync('../private', join(root, 'sub'))
    assert.equal(tree.open('/a.txt'), undefined)
    assert.equal(tree.open('/sub/key'), undefined)
  })

  test('may be the root itself', async (t) => {
    const { folder } = await treeOf(t, { ...LINKS, link: { link: 'root' } })
    const tree = new FileTree(join(folder, 'link'), { followSymlinks: false })
    assert.equal(contentOf(tree, '/a.txt'), 'inside')
    assert.equal(tree.open('/out'), undefined)
  })
})

describe('a release that moves', () => {
  const RELEASES: Readonly<Record<string, Content>> = {
    'releases/1/a.txt': 'one',
    'releases/2/a.txt': 'two',
    'releases/2/new.txt': 'new',
    current: { link: 'releases/1' },
  }

  function release(folder: string, number: number): void {
    symlinkSync(`releases/${number}`, join(folder, 'next'))
    renameSync(join(folder, 'next'), join(folder, 'current'))
  }

  test('is seen within a second: its root and its files together', async (t) => {
    const { folder } = await treeOf(t, RELEASES)
    const tree = new FileTree(join(folder, 'current'))
    assert.equal(tree.realRoot(), join(folder, 'releases/1'))
    assert.equal(tree.look('/new.txt'), undefined)
    release(folder, 2)
    await until('the new release', () => {
      const root = tree.realRoot()
      const content = contentOf(tree, '/a.txt')
      if (tree.realRoot() === root) assert.equal(content, root.endsWith('1') ? 'one' : 'two')
      return root === join(folder, 'releases/2')
    })
    assert.equal(tree.look('/new.txt')?.kind, 'file')
  })

  test('is seen at once without a time to believe', async (t) => {
    const { folder } = await treeOf(t, RELEASES)
    const tree = new FileTree(join(folder, 'current'), { ttl: 0 })
    release(folder, 2)
    assert.equal(contentOf(tree, '/a.txt'), 'two')
  })

  test('leaves the last one while there is none', async (t) => {
    const { folder } = await treeOf(t, RELEASES)
    const tree = new FileTree(join(folder, 'current'), { ttl: 0 })
    rmSync(join(folder, 'current'))
    assert.equal(contentOf(tree, '/a.txt'), 'one')
  })
})

describe('what was seen', () => {
  test('is believed for a while', async (t) => {
    const { root, tree } = await treeOf(t, { 'root/a': 'x' }, { ttl: 60_000 })
    assert.equal(tree.look('/a')?.size, 1)
    assert.equal(tree.look('/b'), undefined)
    writeFileSync(join(root, 'a'), 'xx')
    writeFileSync(join(root, 'b'), 'xx')
    assert.equal(tree.look('/a')?.size, 1)
    assert.equal(tree.look('/b'), undefined)
  })

  test('is looked at again after that', async (t) => {
    const { root, tree } = await treeOf(t, { 'root/a': 'x' }, { ttl: 40 })
    tree.look('/a')
    writeFileSync(join(root, 'a'), 'xx')
    await until('the new size', () => tree.look('/a')?.size === 2)
  })

  test('is looked at again sooner when it was not there', async (t) => {
    const ttl = 1000
    const { root } = await treeOf(t, {})
    // On a machine that stands still for too long nothing can be told: then once more.
    await until('a run that was fast enough', async () => {
      const tree = new FileTree(root, { ttl })
      for (const name of ['a', 'b']) rmSync(join(root, name), { force: true })
      writeFileSync(join(root, 'a'), 'x')
      const start = performance.now()
      tree.look('/a')
      tree.look('/b')
      for (const name of ['a', 'b']) writeFileSync(join(root, name), 'xx')
      await until('the new file', () => tree.look('/b'))
      const size = tree.look('/a')?.size
      if (performance.now() - start >= ttl) return false
      assert.equal(size, 1)
      return true
    })
  })

  test('is only so many paths, the oldest forgotten first', async (t) => {
    const { root, tree } = await treeOf(
      t,
      { 'root/a': 'x', 'root/b': 'x' },
      { ttl: 60_000, entries: 2 },
    )
    tree.look('/a')
    tree.look('/b')
    writeFileSync(join(root, 'a'), 'xx')
    writeFileSync(join(root, 'b'), 'xx')
    tree.look('/c')
    assert.equal(tree.look('/b')?.size, 1)
    assert.equal(tree.look('/a')?.size, 2)
  })

  test('is no path so long that it only fills the memory', async (t) => {
    const { root, tree } = await treeOf(t, {}, { ttl: 60_000 })
    const folder = `/${Array<string>(10).fill('x'.repeat(100)).join('/')}`
    const [short, long] = [`${folder}/a`, `${folder}/${'a'.repeat(100)}`]
    assert.equal(tree.look(short), undefined)
    assert.equal(tree.look(long), undefined)
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, short), '')
    writeFileSync(join(root, long), '')
    assert.equal(tree.look(short), undefined)
    assert.equal(tree.look(long)?.kind, 'file')
  })
})

describe('a root that is none', () => {
  test('is refused with what to do', async (t) => {
    const { folder } = await treeOf(t, { 'file.txt': '' })
    assert.throws(() => new FileTree('public'), {
      name: 'TypeError',
      message: 'root must be an absolute path, not "public"',
    })
    assert.throws(
      () => new FileTree(join(folder, 'nowhere')),
      /nowhere cannot be looked at \(ENOENT\)/,
    )
    assert.throws(() => new FileTree(join(folder, 'file.txt')), /file\.txt is no folder/)
  })
})
