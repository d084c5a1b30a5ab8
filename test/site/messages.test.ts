// "Troubleshooting" is looked up by the text of a message: each text is one that is provoked here or that a program holds, and the search
// of the site finds its section.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { executeOnce, Pool, type PoolOptions } from '@fastcgi/client'
import { createGateway, serve } from '@fastcgi/gateway'
import { startPhp } from '@fastcgi/php'
import { fpmStatus } from '@fastcgi/php/fpm'
import { fcgi } from '../cli/fcgi.ts'
import { findFpm, startFpm } from '../support/fpm.ts'
import { ROOT } from '../support/paths.ts'
import { DIST } from './built.ts'
import { pageText, WEBSITE } from './pages.ts'

const APP = join(ROOT, 'test', 'site', 'app')
const page = pageText('troubleshooting.md')
/** The messages that have a section; what is in other words has no quotes. */
const messages = [...page.matchAll(/^### `(.+)`$/gm)].map(([, message = '']) => message)

/** `…` stands for anything. */
function pattern(message: string): RegExp {
  const parts = message.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(parts.join('[^]*'))
}

let address: string
let folder: string
let web: Server

before(async (t) => {
  assert.ok('after' in t)
  // Each of the slow requests keeps a worker until it is over.
  const fpm = await startFpm(t, { workers: 12, ini: { memory_limit: '64M' } })
  address = fpm.address
  folder = await mkdtemp(join(fpm.directory, 'messages-'))
  await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }')
  await writeFile(join(folder, 'fcgi.config.js'), 'export default {}')
  web = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
  t.after(() => {
    web.closeAllConnections()
    web.close()
  })
})

const params = (script: string): Record<string, string> => ({
  REQUEST_METHOD: 'GET',
  SCRIPT_FILENAME: join(APP, script),
})

interface Asked {
  readonly options?: PoolOptions
  readonly request?: object
  readonly at?: string
}

/** What a pool says to one request: the message of its failure, or both streams of the answer. */
async function ask(
  script: string,
  { options, request, at = address }: Asked = {},
): Promise<string> {
  const pool = new Pool(at, options)
  try {
    const answer = await pool.execute({ params: params(script), ...request })
    return answer.text() + answer.stderrText()
  } finally {
    pool.destroy()
  }
}

/** How the gateway answers to one GET. */
async function get(path: string, options: object = {}, headers = {}): Promise<string> {
  const logged: unknown[] = []
  const log = (...all: unknown[]): number => logged.push(...all)
  const logger = { debug: log, info: log, warn: log, error: log }
  const gateway = createGateway({ root: APP, backend: address, logger, ...options })
  const response = await gateway.fetch(new Request(`http://localhost${path}`, { headers }))
  const text = await response.text()
  await gateway.close()
  return `${text}${logged.map(String).join('\n')}`
}

const busy = { connections: 1, headersTimeout: 400 }
const port = (): number => {
  const taken = web.address()
  assert.ok(typeof taken === 'object' && taken !== null)
  return taken.port
}

/** How each message comes about; one way is enough. */
const provoked: Record<string, () => unknown> = {
  'there is no such socket': () => ask('hello.php', { at: join(folder, 'none.sock') }),
  'nothing listens there': () => ask('hello.php', { at: '127.0.0.1:1' }),
  'nobody accepts connections': () => startPhp({ root: APP, address: join(folder, 'none.sock') }),
  'is not on this machine': () => fcgi(['get', '192.0.2.1:9000', '/']).then(({ err }) => err),
  'File not found.': () => ask('none.php'),
  'Primary script unknown': () => ask('none.php'),
  'Access to the script': () => ask('../../../package.json'),
  'Page not found': () => get('/none.php'),
  'Wrong server': () => get('/', { root: undefined, sites: [{ hosts: ['a.test'], root: APP }] }),
  'Not allowed': () => get('/hello.php', { noScripts: ['/**'] }),
  'got no stdout': () => ask('slow.php', { options: { headersTimeout: 100 } }),
  'got no more data': () =>
    ask('slow.php', {
      request: { params: { ...params('slow.php'), QUERY_STRING: 'begun' } },
      options: { bodyTimeout: 100 },
    }),
  'got no connection': () => together({ ...busy, queueTimeout: 100 }),
  'are waiting already': () => together({ ...busy, maxQueue: 0 }),
  'the answer is larger': () => ask('hello.php', { options: { maxResponseSize: 5 } }),
  'not a FastCGI record': () => ask('hello.php', { at: `127.0.0.1:${port()}` }),
  'the client of': () => closed(),
  'CONTENT_LENGTH is': () =>
    ask('hello.php', {
      request: { params: { ...params('hello.php'), CONTENT_LENGTH: '9' }, stdin: 'a' },
    }),
  'the source of stdin failed': () => ask('hello.php', { request: { stdin: failing() } }),
  'stdin of unknown length': () =>
    ask('hello.php', { request: { stdin: endless() }, options: { maxBufferedStdin: 10 } }),
  'contains NUL, CR or LF': () => executeOnce(address, { params: { A: 'a\nb' } }),
  'php-fpm refuses a pair': () => executeOnce(address, { params: { A: 'a'.repeat(70_000) } }),
  'lets PHP run or read': () =>
    Promise.resolve().then(() =>
      createGateway({ root: APP, backend: address, params: { PHP_VALUE: 'a=b' } }),
    ),
  'has a backslash or an encoded slash': () => get('/a%2Fb.php', { development: true }),
  'another program has taken it': () => serve({ root: APP, backend: address, listen: port() }),
  'is no option; did you mean': () => serve({ rooot: APP } as object),
  'the configuration file': () => fcgi(['serve', '--config', 'none.mjs']).then(({ err }) => err),
  'its package.json makes it CommonJS': () =>
    fcgi(['serve', '--config', join(folder, 'fcgi.config.js')]).then(({ err }) => err),
  'root must be given': () => serve({ php: true }),
  'php-fpm answers, but has no status page': () =>
    withPool((pool) => fpmStatus(pool, { path: '/none' })),
}

async function withPool<T>(use: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = new Pool(address)
  return use(pool).finally(() => pool.destroy())
}

/** Two slow requests at a time for one connection: what the second one hears. */
async function together(options: PoolOptions): Promise<string> {
  const pool = new Pool(address, options)
  const request = { params: params('slow.php') }
  const first = pool.execute(request).catch(() => {})
  const second = await pool.execute(request).then(
    () => 'an answer',
    (error: unknown) => String(error),
  )
  pool.destroy()
  await first
  return second
}

async function closed(): Promise<unknown> {
  const pool = new Pool(address)
  await pool.close()
  return pool.execute({ params: params('hello.php') })
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1)
  throw new Error('a test')
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield new Uint8Array(100)
}

for (const [beginning, provoke] of Object.entries(provoked)) {
  test(`"${beginning}" is what it says`, async () => {
    const message = messages.find((one) => one.includes(beginning))
    assert.ok(message, 'it has no section')
    const heard = await Promise.resolve()
      .then(provoke)
      .catch((error: unknown) => String(error))
    assert.match(String(heard), pattern(message))
  })
}

/** What the packages can say; what goes over two literals is joined, and values stand in `${}`. */
function sources(): string {
  const files = readdirSync(join(ROOT, 'packages'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => /^\w+\/src\/.*\.ts$/.test(path),
  )
  return files.map((path) => readFileSync(join(ROOT, 'packages', path), 'utf8')).join('\n')
}

test('every message is provoked above, or is in the packages, or in php-fpm', () => {
  const programs = [sources(), readFileSync(findFpm(), 'latin1')]
  const beginnings = Object.keys(provoked)
  for (const message of messages) {
    if (beginnings.some((one) => message.includes(one))) continue
    const parts = message.split('…').map((one) => one.trim())
    const isKnown = programs.some((text) => parts.every((part) => text.includes(part)))
    assert.ok(isKnown, `nothing says ${message}`)
  }
  assert.ok(messages.length > 55)
})

test('every code has a section that names it', () => {
  const codes = new Set(sources().match(/\b(?:FCGI|PHP|FPM)_ERR_[A-Z_]+\b/g))
  // A bug of this project, not of its users.
  codes.delete('FCGI_ERR_LOCAL_PROTOCOL')
  for (const code of codes) assert.ok(page.includes(`\`${code}\``), code)
  assert.ok(codes.size > 20)
})

test('every hint about a connection, every reason not to listen and every error page is there', () => {
  const read = (path: string): string => readFileSync(join(ROOT, 'packages', path), 'utf8')
  const [, hints = ''] =
    /const HINTS[^]*?= \{([^]*?)\n\}/.exec(read('client/src/connection/dial.ts')) ?? []
  const found = [...hints.matchAll(/'([^']+)'/g)].map(([, hint = '']) => hint)
  assert.ok(found.length >= 5)
  for (const hint of found) assert.ok(messages.includes(hint), hint)

  const [, words = ''] =
    /const WORDS[^]*?= \{([^]*?)\n\}/.exec(read('gateway/src/error-page.ts')) ?? []
  const titles = [...words.matchAll(/title: '([^']+)'/g)].map(([, title = '']) => title)
  assert.ok(titles.length > 10)
  for (const title of titles) {
    if (title === 'Method not allowed') continue
    assert.ok(page.includes(`\`${title}\``) || page.includes(`"${title}"`), title)
  }
})

/** The part of `minisearch` that the search of the site uses. */
interface Index {
  search(words: string): readonly { readonly id: string }[]
}
interface MiniSearch {
  loadJSON(json: string, options: object): Index
}

test('the search finds the section of every message', async () => {
  const chunks = join(DIST, 'assets', 'chunks')
  const name = readdirSync(chunks).find((one) => one.includes('localSearchIndex'))
  assert.ok(name, 'not built: node scripts/test.mjs site')
  const { default: json } = (await import(pathToFileURL(join(chunks, name)).href)) as {
    default: string
  }
  const file = join(WEBSITE, 'node_modules', 'minisearch', 'dist', 'es', 'index.js')
  const { default: search } = (await import(pathToFileURL(file).href)) as { default: MiniSearch }
  // As VitePress asks it.
  const index = search.loadJSON(json, {
    fields: ['title', 'titles', 'text'],
    storeFields: ['title', 'titles'],
    searchOptions: { fuzzy: 0.2, prefix: true, boost: { title: 4, text: 2, titles: 1 } },
  })
  for (const message of messages) {
    const [first] = index.search(message.replaceAll('…', ' '))
    assert.match(first?.id ?? 'nothing', /\/troubleshooting\.html#/, message)
  }
})
