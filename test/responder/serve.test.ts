// serve() over real sockets: listening, closing, and what a socket can do that memory cannot.

import assert from 'node:assert/strict'
import { link, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import { formatAddress, Pool, Role, type Address, type PoolOptions } from '@fastcgi/client'
import { serve, type ResponderHandler, type ResponderServer } from '@fastcgi/client/responder'
import { GET, POST, until } from '../support/requests.js'

const hello: ResponderHandler = (_, reply) => reply.stdout('hello')

const echo: ResponderHandler = async ({ stdin }, reply) => {
  for await (const chunk of stdin) await reply.stdout(chunk)
}

async function socketPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fastcgi-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'app.sock')
}

async function listening(
  t: TestContext,
  handler: ResponderHandler,
  options: Partial<Parameters<typeof serve>[1]> = {},
): Promise<ResponderServer> {
  const server = await serve(handler, { listen: '127.0.0.1:0', ...options })
  t.after(() => server.destroy())
  return server
}

function poolTo(t: TestContext, address: Address, options: PoolOptions = {}): Pool {
  const pool = new Pool(address, options)
  t.after(() => pool.destroy())
  return pool
}

for (const [name, listen] of [
  ['a unix socket', (t: TestContext) => socketPath(t).then((path) => `unix:${path}`)],
  ['TCP', () => Promise.resolve('127.0.0.1:0')],
] as const) {
  describe(`over ${name}`, () => {
    test('many requests at a time, megabytes both ways, nothing mixed up', async (t) => {
      const server = await listening(t, echo, { listen: await listen(t) })
      const pool = poolTo(t, server.address, { connections: 4 })
      const bodies = Array.from({ length: 12 }, (_, index) =>
        Uint8Array.from({ length: 1_000_000 + index }, (__, at) => (at * (index + 1)) % 251),
      )
      const answers = await Promise.all(bodies.map((stdin) => pool.execute({ ...POST, stdin })))
      for (const [index, { stdout }] of answers.entries()) {
        assert.ok(Buffer.from(stdout).equals(bodies[index]!), `body ${index}`)
      }
      assert.ok(pool.stats.connected <= 4)
    })

    test('each role that is played, and no other', async (t) => {
      const roles = [Role.Responder, Role.Filter]
      const server = await listening(
        t,
        async ({ role, data }, reply) => {
          await reply.stdout(`${role} `)
          if (role === Role.Filter) for await (const chunk of data) await reply.stdout(chunk)
        },
        { listen: await listen(t), roles },
      )
      const pool = poolTo(t, server.address)
      const { Responder, Filter, Authorizer } = Role
      assert.equal((await pool.execute({ ...GET, role: Responder })).text(), '1 ')
      assert.equal((await pool.execute({ ...GET, role: Filter, data: 'x' })).text(), '3 x')
      await assert.rejects(pool.execute({ ...GET, role: Authorizer }), { protocolStatus: 3 })
    })

    test('a handler that throws fails its request only', async (t) => {
      const server = await listening(
        t,
        ({ params }) => {
          if (params.get('SCRIPT_NAME') === '/broken') throw new Error('broken')
        },
        { listen: await listen(t) },
      )
      const pool = poolTo(t, server.address, { connections: 1 })
      const broken = await pool.execute({ params: { SCRIPT_NAME: '/broken' } })
      assert.equal(broken.appStatus, 1)
      assert.match(broken.stderrText(), /broken/)
      assert.equal((await pool.execute(GET)).appStatus, 0)
    })

    test('what is no FastCGI loses its connection, and nobody else does', async (t) => {
      const server = await listening(t, hello, { listen: await listen(t) })
      const stranger = connect({ ...server.address })
      stranger.end('GET / HTTP/1.1\r\n\r\n')
      stranger.on('error', () => {})
      await once(stranger, 'close')
      assert.equal((await poolTo(t, server.address).execute(GET)).text(), 'hello')
    })

    test('a client that goes away aborts its request', async (t) => {
      const seen: string[] = []
      const server = await listening(
        t,
        async ({ signal }) => {
          seen.push('begun')
          await once(signal, 'abort')
          seen.push('aborted')
        },
        { listen: await listen(t) },
      )
      const pool = poolTo(t, server.address)
      const request = pool.execute(GET)
      await until(() => seen.length === 1)
      pool.destroy()
      await assert.rejects(request, { code: 'FCGI_ERR_CLOSED' })
      await until(() => seen.length === 2)
    })
  })
}

describe('close', () => {
  test('finishes what runs, takes nothing new, and then is done', async (t) => {
    let finish!: () => void
    const server = await listening(t, async (_, reply) => {
      await reply.stdout('begun, ')
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      await reply.stdout('finished')
    })
    const running = poolTo(t, server.address).execute(GET)
    await until(() => finish !== undefined)
    let closed = false
    const closing = server.close().then(() => {
      closed = true
    })
    const late = poolTo(t, server.address).execute(GET)
    await assert.rejects(late, { code: 'FCGI_ERR_CONNECT' })
    assert.equal(closed, false)
    finish()
    assert.equal((await running).text(), 'begun, finished')
    await closing
  })

  test('closes connections that are kept open without a request', async (t) => {
    const server = await listening(t, hello)
    const pool = poolTo(t, server.address, { keepAliveTimeout: 0 })
    await pool.execute(GET)
    assert.equal(pool.stats.idle, 1)
    await server.close()
    await until(() => pool.stats.connected === 0)
  })

  test('may be called twice, and after destroy', async (t) => {
    const server = await listening(t, hello)
    await Promise.all([server.close(), server.close()])
    await server.close()
    await server.destroy()
    await server[Symbol.asyncDispose]()
  })

  test('destroy ends what runs, at once', async (t) => {
    const seen: string[] = []
    const server = await listening(t, async ({ signal }) => {
      seen.push('begun')
      await once(signal, 'abort')
      seen.push('aborted')
    })
    const running = poolTo(t, server.address).execute(GET)
    running.catch(() => {})
    await until(() => seen.length === 1)
    await server.destroy()
    await assert.rejects(running, { code: 'FCGI_ERR_SOCKET' })
    assert.deepEqual(seen, ['begun', 'aborted'])
  })
})

describe('listening', () => {
  test('on port 0 says which port it is', async (t) => {
    const server = await listening(t, hello)
    assert.ok('port' in server.address && server.address.port > 0)
    assert.match(formatAddress(server.address), /^tcp:\/\/127\.0\.0\.1:\d+$/)
  })

  test('replaces a socket file that nobody listens on', async (t) => {
    const path = await socketPath(t)
    // A server that dies leaves its file behind; one that closes does not, unless the file has a second name.
    const dead = createServer()
    dead.listen(path)
    await once(dead, 'listening')
    await link(path, `${path}.left`)
    dead.close()
    await once(dead, 'close')
    await rename(`${path}.left`, path)
    const server = await listening(t, hello, { listen: { path } })
    assert.equal((await poolTo(t, server.address).execute(GET)).text(), 'hello')
  })

  test('leaves a socket alone that somebody listens on', async (t) => {
    const path = await socketPath(t)
    const first = await listening(t, hello, { listen: { path } })
    await assert.rejects(serve(echo, { listen: { path } }), { code: 'EADDRINUSE' })
    assert.equal((await poolTo(t, first.address).execute(GET)).text(), 'hello')
  })

  // connect(2) refuses a file that is no socket as it refuses an abandoned one; only stat tells them apart.
  test('leaves a file alone that is no socket', async (t) => {
    const path = await socketPath(t)
    await writeFile(path, 'precious')
    const outcome = await serve(hello, { listen: { path } }).then(
      (server) => server.destroy(),
      (error: { code: string }) => error.code,
    )
    assert.equal(outcome, 'EADDRINUSE')
    assert.equal((await stat(path)).size, 8)
  })

  test('says what is wrong with an address', async () => {
    await assert.rejects(serve(hello, { listen: 'nonsense' }), TypeError)
    await assert.rejects(serve(hello, { listen: '/no/such/folder/app.sock' }), {
      syscall: 'listen',
    })
  })
})
