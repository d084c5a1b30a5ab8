// Several sites and backends in one gateway; and options that cannot be used.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Executor } from '@fastcgi/client'
import { MockPool } from '@fastcgi/client/testing'
import { createGateway, type GatewayOptions } from '@fastcgi/gateway'
import { startGateway } from '../support/gateway.js'
import { temporaryDirectory } from '../support/process.js'
import { get } from '../support/serving.js'

/** A backend that says its name and which script it was to run. */
function backend(name: string): Executor {
  return new MockPool().on('*', ({ params }) => ({
    stdout: `Content-Type: text/plain\r\n\r\n${name} ${params.get('SCRIPT_NAME')} ${params.get('SCRIPT_FILENAME')}`,
  }))
}

/** What a gateway says to a GET. */
async function ask(options: GatewayOptions, url: string, init?: RequestInit): Promise<string> {
  const response = await createGateway(options).fetch(new Request(url, init))
  const text = await response.text()
  return response.ok ? text : `${response.status} ${response.headers.get('location') ?? ''}`.trim()
}

/** A folder with an index.php in each of these folders below it. */
async function folders(t: TestContext, ...names: string[]): Promise<string> {
  const folder = await temporaryDirectory(t)
  for (const name of names) {
    await mkdir(join(folder, name), { recursive: true })
    await writeFile(join(folder, name, 'index.php'), '')
  }
  return folder
}

describe('hosts', () => {
  test('each host has its root and backend; names match exactly, in any case, or below a star', async (t) => {
    const folder = await folders(t, 'shop', 'wiki', 'rest')
    const options: GatewayOptions = {
      root: join(folder, 'rest'),
      backend: backend('rest'),
      sites: [
        { hosts: ['shop.example'], root: join(folder, 'shop'), backend: backend('shop') },
        { hosts: ['*.wiki.example'], root: join(folder, 'wiki'), backend: backend('wiki') },
      ],
    }
    const rows: [host: string, site: string][] = [
      ['shop.example', 'shop'],
      ['SHOP.example', 'shop'],
      ['shop.example.', 'shop'],
      ['shop.example:8080', 'shop'],
      ['de.wiki.example', 'wiki'],
      ['a.b.wiki.example', 'wiki'],
      ['wiki.example', 'rest'],
      ['notshop.example', 'rest'],
    ]
    for (const [host, site] of rows) {
      const said = await ask(options, 'http://localhost/', { headers: { host } })
      assert.match(said, new RegExp(`^${site} /index.php ${folder}/${site}/index.php$`), host)
    }
  })

  test('headers of a site are on scripts, files and error pages, and give way to what an answer has', async (t) => {
    const root = await folders(t, '')
    await writeFile(join(root, 'file.txt'), 'a file')
    const gateway = createGateway({
      root,
      backend: backend('php'),
      frontController: false,
      headers: { 'X-Frame-Options': 'DENY', 'Content-Type': 'text/strange' },
    })
    for (const [path, status] of [
      ['/', 200],
      ['/file.txt', 200],
      ['/none', 404],
    ] as const) {
      const { status: told, headers } = await gateway.fetch(new Request(`http://localhost${path}`))
      assert.equal(told, status, path)
      assert.equal(headers.get('x-frame-options'), 'DENY', path)
      assert.match(headers.get('content-type') ?? '', /^text\/plain/, path)
    }
  })

  test('a host that no site has is told so', async (t) => {
    const folder = await folders(t, 'shop')
    const options: GatewayOptions = {
      sites: [{ hosts: ['shop.example'], root: join(folder, 'shop'), backend: backend('shop') }],
    }
    assert.equal(await ask(options, 'http://other.example/'), '421')
  })

  test('what is said for all holds for each, unless it says otherwise', async (t) => {
    const folder = await folders(t, 'one', 'two')
    const options: GatewayOptions = {
      backend: backend('shared'),
      frontController: false,
      sites: [
        { hosts: ['one'], root: join(folder, 'one') },
        { hosts: ['two'], root: join(folder, 'two'), frontController: '/index.php' },
      ],
    }
    assert.equal(await ask(options, 'http://one/nothing'), '404')
    assert.match(await ask(options, 'http://two/nothing'), /^shared \/index.php/)
  })
})

describe('params', () => {
  test('are the same for each request of a connection, but for what the request says', async (t) => {
    const seen: Map<string, string>[] = []
    const pool = new MockPool().on('*', ({ params }) => {
      seen.push(new Map(params))
      return { stdout: 'Content-Type: text/plain\r\n\r\nok' }
    })
    const options: GatewayOptions = { backend: pool, params: { REMOTE_PORT: 7, SITE: 'one' } }
    const { url, port } = await startGateway(t, options)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    for (const path of ['/env.php?a=1', '/env.php?a=2', '/env.php?a=3', '/hello.php', '/env.php']) {
      assert.equal((await get(url + path, { agent })).status, 200, path)
    }
    const told = seen.map((params) => [params.get('QUERY_STRING'), params.get('SCRIPT_NAME')])
    assert.deepEqual(told, [
      ['a=1', '/env.php'],
      ['a=2', '/env.php'],
      ['a=3', '/env.php'],
      ['', '/hello.php'],
      ['', '/env.php'],
    ])
    for (const params of seen) {
      assert.deepEqual([...params.keys()].toSorted(), [...seen[0]!.keys()].toSorted())
      assert.equal(params.get('HTTP_HOST'), `127.0.0.1:${port}`)
      assert.equal(params.get('SERVER_PORT'), String(port))
      assert.equal(params.get('REMOTE_ADDR'), '127.0.0.1')
      assert.equal(params.get('REMOTE_PORT'), '7')
      assert.equal(params.get('SITE'), 'one')
    }
  })

  test('of two hosts on one connection are those of each', async (t) => {
    const seen: (string | undefined)[] = []
    const pool = new MockPool().on('*', ({ params }) => {
      seen.push(`${params.get('HTTP_HOST')} ${params.get('SERVER_NAME')}`)
      return { stdout: 'Content-Type: text/plain\r\n\r\nok' }
    })
    const { url } = await startGateway(t, { backend: pool })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    for (const host of ['a.example', 'a.example', 'b.example', 'a.example', 'b.example']) {
      await get(`${url}/env.php`, { agent, headers: { host } })
    }
    assert.deepEqual(seen, [
      'a.example a.example',
      'a.example a.example',
      'b.example b.example',
      'a.example a.example',
      'b.example b.example',
    ])
  })
})

describe('routes', () => {
  test('with a root of its own, the path of the route is part of the name and not of the file', async (t) => {
    const folder = await folders(t, 'main', 'blog', 'blog/admin')
    const options: GatewayOptions = {
      root: join(folder, 'main'),
      backend: backend('main'),
      routes: [{ path: '/blog', root: join(folder, 'blog'), backend: backend('blog') }],
    }
    const blog = join(folder, 'blog')
    const rows: [path: string, said: string][] = [
      ['/blog/', `blog /blog/index.php ${blog}/index.php`],
      ['/blog/any/permalink', `blog /blog/index.php ${blog}/index.php`],
      ['/blog/admin/', `blog /blog/admin/index.php ${blog}/admin/index.php`],
      ['/blog?a=b', '301 /blog/?a=b'],
      ['/blogger', `main /index.php ${folder}/main/index.php`],
      ['/', `main /index.php ${folder}/main/index.php`],
    ]
    for (const [path, said] of rows) {
      assert.equal(await ask(options, `http://localhost${path}`), said, path)
    }
  })

  test('without one, only what runs the script is another: PHP 7.4 beside 8.4 in one root', async (t) => {
    const folder = await folders(t, '.', 'legacy')
    const options: GatewayOptions = {
      root: folder,
      backend: backend('new'),
      routes: [{ path: '/legacy', backend: backend('old') }],
    }
    assert.equal(
      await ask(options, 'http://localhost/legacy/'),
      `old /legacy/index.php ${folder}/legacy/index.php`,
    )
    assert.match(await ask(options, 'http://localhost/'), /^new \/index\.php/)
  })

  test('the longest path counts, in whatever order they are given', async (t) => {
    const folder = await folders(t, 'a')
    const root = join(folder, 'a')
    const routes = [
      { path: '/x', root, backend: backend('short') },
      { path: '/x/y', root, backend: backend('long') },
    ]
    for (const order of [routes, routes.toReversed()]) {
      const options: GatewayOptions = { root, backend: backend('main'), routes: order }
      assert.match(await ask(options, 'http://localhost/x/y/z'), /^long/)
      assert.match(await ask(options, 'http://localhost/x/z'), /^short/)
    }
  })
})

describe('backends', () => {
  test('a name from backends is shared, and an address is not taken for a name', async (t) => {
    const folder = await folders(t, '.')
    const php = backend('shared')
    const gateway = createGateway({
      root: folder,
      backends: { php },
      backend: 'php',
      sites: [{ hosts: ['one'], backend: 'php' }],
    })
    const response = await gateway.fetch(new Request('http://one/'))
    assert.match(await response.text(), /^shared/)
    assert.deepEqual(
      gateway.backends.map(({ name }) => name),
      ['php'],
    )
  })

  test('where the backend sees other paths, it is told its own', async (t) => {
    const folder = await folders(t, '.')
    const said = await ask(
      { root: folder, backendRoot: '/var/www/html', backend: backend('php') },
      'http://localhost/',
    )
    assert.equal(said, 'php /index.php /var/www/html/index.php')
  })

  test('without files on this machine, paths alone decide', async () => {
    const options: GatewayOptions = { backendRoot: '/var/www', backend: backend('php') }
    assert.match(await ask(options, 'http://localhost/a.php/b'), /^php \/a\.php \/var\/www\/a\.php/)
    assert.match(await ask(options, 'http://localhost/any'), /^php \/index\.php/)
  })
})

describe('options that cannot be used', () => {
  const rows: [what: string, options: object, message: RegExp][] = [
    ['nothing at all', {}, /^root must be given/],
    ['a name that is none', { root: '/', backnd: 'x' }, /backnd is no option/],
    ['another case', { root: '/', Backend: 'x' }, /Backend is no option; did you mean backend\?/],
    ['a root that is not there', { root: '/nowhere', backend: 'unix:/x' }, /\/nowhere/],
    ['a relative root', { root: 'public', backend: 'unix:/x' }, /root must be an absolute path/],
    ['no scripts for a backend', { backend: 'unix:/x' }, /^root must be given/],
    ['an address that is none', { root: '/', backend: 'nonsense' }, /nonsense/],
    ['a pool option', { root: '/', backend: { address: 'unix:/x', conections: 1 } }, /conections/],
    [
      'a network',
      { root: '/', backend: 'unix:/x', trustProxy: 'everyone' },
      /^trustProxy must be .*: invalid IP address: everyone$/,
    ],
    ['a number of proxies', { root: '/', backend: 'unix:/x', trustProxy: 0 }, /trustProxy must be/],
    ['a preset', { root: '/', backend: 'unix:/x', preset: 'joomla' }, /preset must be one of/],
    [
      'a part of a site',
      {
        sites: [
          { hosts: ['a'], root: '/', backend: 'unix:/x' },
          { hosts: ['b'], idex: [] },
        ],
      },
      /^sites\[1\]\.idex is no option/,
    ],
    [
      'a site of no host',
      { sites: [{ root: '/', backend: 'unix:/x' }] },
      /^sites\[0\]\.hosts must name the hosts of this site: a list/,
    ],
    [
      'a host with a port',
      { sites: [{ hosts: ['a:80'], root: '/', backend: 'unix:/x' }] },
      /^sites\[0\]\.hosts\[0\] must be a host name without a port/,
    ],
    [
      'a host twice',
      { root: '/', backend: 'unix:/x', sites: [{ hosts: ['a'] }, { hosts: ['A'] }] },
      /^sites\[1\]\.hosts names a, which another site has/,
    ],
    [
      'the path of a route',
      { root: '/', backend: 'unix:/x', routes: [{ path: 'blog/' }] },
      /^routes\[0\]\.path must be a plain path/,
    ],
    [
      'a header',
      { root: '/', backend: 'unix:/x', headers: { 'x-a': 'b\r\nset-cookie: c' } },
      /^headers\.x-a is no header field/,
    ],
    [
      'the prefix of a folder',
      { root: '/', backend: 'unix:/x', sendFileRoots: { protected: '/' } },
      /^sendFileRoots\["protected"\]: the prefix must begin and end with a slash/,
    ],
  ]
  for (const [what, options, message] of rows) {
    test(`${what} is refused, and named`, () => {
      assert.throws(() => createGateway(options), { message })
    })
  }
})
