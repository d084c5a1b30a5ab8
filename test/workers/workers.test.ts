// The streams transport inside workerd, through cloudflare:sockets, with a real php-fpm and with peers that fail.

import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { before, describe, test, type TestContext } from 'node:test'
import { parseAddress } from '@fastcgi/client'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT, ROOT } from '../support/paths.ts'
import { fileScope } from '../support/process.ts'
import { noWorkerd, startWorker } from '../support/workerd.ts'

const main = join(ROOT, 'build/test/workers/worker/worker.js')
const scope = fileScope()
let origin: string
/** What the peer that fails does with a connection. */
let misbehave: (socket: Socket) => void

before(async () => {
  if (noWorkerd !== false) return
  const fpm = await startFpm(scope, { listen: 'tcp', workers: 3 })
  const peer = createServer((socket) => misbehave(socket.on('error', () => {})))
  scope.after(async () => void peer.close())
  origin = await startWorker(scope, {
    main,
    object: { binding: 'KEPT', className: 'Kept' },
    bindings: {
      PHP_PORT: portOf(fpm.address),
      PEER_PORT: String(await portOfServer(peer)),
      ROOT: PHP_ROOT,
    },
  })
})

function portOf(address: string): string {
  const parsed = parseAddress(address)
  assert.ok('port' in parsed)
  return String(parsed.port)
}

function portOfServer(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      assert.ok(address !== null && typeof address === 'object')
      resolve(address.port)
    })
  })
}

async function ask(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${origin}/${path}`)
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return JSON.parse(text) as Record<string, unknown>
}

const workers = { skip: noWorkerd, timeout: 60_000 }

describe('in workerd', workers, () => {
  test('one request has stdout and stderr apart', async () => {
    const { text, stderr } = await ask('once')
    assert.match(String(text), /one two three/)
    assert.match(String(stderr), /first complaint: ünïcode/)
  })

  test('a pool shares two connections among fifty requests, and closes them', async () => {
    assert.deepEqual(await ask('many'), { different: 1, connected: 2, left: 0 })
  })

  test('a large answer arrives whole at a slow reader', async () => {
    const { length } = await ask('stream?bytes=20000000')
    assert.ok(Number(length) > 20_000_000, `${String(length)} bytes`)
  })

  test('what php-fpm says of itself can be asked', async () => {
    assert.deepEqual(await ask('values'), { FCGI_MPXS_CONNS: '0' })
  })

  test('an object keeps a connection from one request to the next', async () => {
    const first = await ask('kept')
    const second = await ask('kept')
    assert.equal(first['answer'], second['answer'])
    assert.deepEqual(second['stats'], {
      connected: 1,
      connecting: 0,
      idle: 1,
      running: 0,
      queued: 0,
    })
    for (let times = 0; times < 2; times++) {
      assert.equal(await (await fetch(`${origin}/hello.php?kept`)).text(), 'hello')
    }
    assert.equal((await ask('kept'))['answer'], first['answer'])
  })

  test('fetch reaches PHP, and its body comes back unchanged', async () => {
    const hello = await fetch(`${origin}/hello.php`)
    assert.equal(await hello.text(), 'hello')
    const body = Buffer.alloc(5_000_000, 'Grüße\0')
    const echoed = await fetch(`${origin}/echo.php`, { method: 'PUT', body })
    assert.ok(Buffer.from(await echoed.arrayBuffer()).equals(body))
    assert.equal((await fetch(`${origin}/none.php`)).status, 404)
  })
})

describe('in workerd, a peer that fails', workers, () => {
  const fails = async (t: TestContext, act: (socket: Socket) => void): Promise<unknown> => {
    const sockets = new Set<Socket>()
    misbehave = (socket) => {
      sockets.add(socket)
      act(socket)
    }
    t.after(() => sockets.forEach((socket) => socket.destroy()))
    return (await ask('fails'))['code']
  }

  test('closes before the answer', async (t) => {
    const code = await fails(t, (socket) => void socket.once('data', () => socket.end()))
    assert.equal(code, 'FCGI_ERR_SOCKET')
  })

  test('resets the connection', async (t) => {
    const code = await fails(t, (socket) => {
      socket.once('data', () => socket.resetAndDestroy())
    })
    assert.equal(code, 'FCGI_ERR_SOCKET')
  })

  test('ends in the middle of an answer', async (t) => {
    const code = await fails(t, (socket) => {
      // STDOUT of request 1, whose four bytes are the beginning of a head.
      socket.once('data', () => socket.end(Buffer.from('010600010004000053746174', 'hex')))
    })
    assert.equal(code, 'FCGI_ERR_SOCKET')
  })

  test('speaks HTTP', async (t) => {
    const code = await fails(t, (socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    assert.equal(code, 'FCGI_ERR_REMOTE_PROTOCOL')
  })

  test('says nothing', async (t) => {
    assert.equal(await fails(t, () => {}), 'FCGI_ERR_TIMEOUT')
  })

  test('is not there', async () => {
    const gone = createServer()
    const port = await portOfServer(gone)
    await new Promise((resolve) => gone.close(resolve))
    const { code, retryable } = await ask(`fails?port=${port}`)
    assert.deepEqual({ code, retryable }, { code: 'FCGI_ERR_CONNECT', retryable: true })
  })

  test('is given up by a signal, whose reason is told', async (t) => {
    const closed = new Promise<void>((resolve) => {
      misbehave = (socket) => {
        t.after(() => void socket.destroy())
        socket.resume().once('close', resolve)
      }
    })
    const { same, connected } = await ask('abort')
    assert.deepEqual({ same, connected }, { same: true, connected: 0 })
    await closed
  })
})
