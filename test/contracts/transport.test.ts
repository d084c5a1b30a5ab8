// What every transport keeps to, shown for each of them by the same suite.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectSocket, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import {
  connectBun,
  connectNode,
  fromStreams,
  type Connector,
  type Transport,
} from '@fastcgi/client'
import { connectMemory } from '@fastcgi/client/testing'
import { nextTurn, until } from '../support/requests.js'

/** The other end of a connection, under the control of a test. */
interface Peer {
  readonly received: Uint8Array[]
  send(data: Uint8Array): void
  /** Stops reading for good. */
  stall(): void
  close(): void
  readonly closed: boolean
}

interface Harness {
  connect: Connector
  /** The peers of the connections so far, the last one last. */
  peers: Peer[]
}

type Setup = (t: TestContext) => Promise<Harness>

class Client {
  readonly chunks: Uint8Array[] = []
  readonly closes: (Error | undefined)[] = []
  drains = 0
  readonly handler = {
    data: (chunk: Uint8Array): void => void this.chunks.push(chunk.slice()),
    drain: (): void => void this.drains++,
    close: (reason?: Error): void => void this.closes.push(reason),
  }

  get length(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

const never = new AbortController().signal

function transportContract(name: string, setup: Setup): void {
  const open = async (t: TestContext): Promise<[Transport, Client, Peer]> => {
    const harness = await setup(t)
    const client = new Client()
    const transport = await harness.connect(client.handler, never)
    t.after(() => transport.destroy())
    await until(() => harness.peers.length === 1)
    return [transport, client, harness.peers[0]!]
  }

  describe(name, () => {
    test('carries bytes both ways, pieces in order', async (t) => {
      const [transport, client, peer] = await open(t)
      transport.write(Buffer.from('ab'), Buffer.from('cd'))
      transport.write(Buffer.from('ef'))
      await until(() => Buffer.concat(peer.received).length === 6)
      assert.equal(Buffer.concat(peer.received).toString(), 'abcdef')
      peer.send(Buffer.from('answer'))
      await until(() => client.length === 6)
      assert.equal(client.bytes.toString(), 'answer')
    })

    test('with turns, calls back once when the turn ends, in order, and what is written then arrives', async (t) => {
      const [transport, , peer] = await open(t)
      if (!transport.soon) return
      const called: string[] = []
      for (const letter of ['a', 'b', 'c']) {
        transport.soon(() => {
          called.push(letter)
          transport.write(Buffer.from(letter))
        })
      }
      await Promise.resolve()
      assert.deepEqual(called, [])
      await until(() => Buffer.concat(peer.received).toString() === 'abc')
      assert.deepEqual(called, ['a', 'b', 'c'])
    })

    test('carries megabytes unchanged while both sides send', async (t) => {
      const [transport, client, peer] = await open(t)
      const size = 3_000_000
      const up = pattern(size, 7)
      const down = pattern(size, 11)
      for (let at = 0; at < size; at += 50_000) {
        if (!transport.write(up.subarray(at, at + 50_000))) {
          const drains = client.drains
          await until(() => client.drains > drains)
        }
        peer.send(down.subarray(at, at + 50_000))
      }
      await until(() => client.length === size)
      await until(() => sizeOf(peer.received) === size)
      assert.ok(client.bytes.equals(down))
      assert.ok(Buffer.concat(peer.received).equals(up))
    })

    test('says that it has had enough when the peer does not read', async (t) => {
      const [transport, client, peer] = await open(t)
      peer.stall()
      let written = 0
      while (written < 64_000_000 && transport.write(Buffer.alloc(100_000))) {
        written += 100_000
        await nextTurn()
      }
      assert.ok(written < 64_000_000, 'write returned false at some point')
      assert.equal(client.drains, 0)
    })

    test('gives no data while it is paused, and all of it afterwards', async (t) => {
      const [transport, client, peer] = await open(t)
      transport.pause()
      peer.send(pattern(1_000_000, 5))
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      assert.ok(client.length <= 64 * 1024, `at most what was read already, not ${client.length}`)
      transport.resume()
      await until(() => client.length === 1_000_000)
      assert.ok(client.bytes.equals(pattern(1_000_000, 5)))
    })

    test('hands over everything before it tells that the peer has closed, once and without a reason', async (t) => {
      const [, client, peer] = await open(t)
      peer.send(pattern(500_000, 3))
      peer.close()
      await until(() => client.closes.length > 0)
      assert.equal(client.length, 500_000)
      await nextTurn()
      assert.deepEqual(client.closes, [undefined])
    })

    test('ends behind everything that was written', async (t) => {
      const [transport, client, peer] = await open(t)
      const up = pattern(3_000_000, 13)
      transport.write(up.subarray(0, 2_000_000))
      transport.write(up.subarray(2_000_000))
      transport.end()
      await until(() => sizeOf(peer.received) === up.length)
      assert.ok(Buffer.concat(peer.received).equals(up))
      peer.close()
      await until(() => client.closes.length > 0)
      assert.deepEqual(client.closes, [undefined])
    })

    test('tells its own handler and the peer when it is destroyed', async (t) => {
      const [transport, client, peer] = await open(t)
      transport.destroy()
      await until(() => client.closes.length > 0 && peer.closed)
      transport.destroy()
      await nextTurn()
      assert.equal(client.closes.length, 1)
    })

    test('does not connect when it was aborted before', async (t) => {
      const { connect, peers } = await setup(t)
      const reason = new Error('no longer wanted')
      const client = new Client()
      await assert.rejects(connect(client.handler, AbortSignal.abort(reason)), reason)
      await nextTurn()
      assert.deepEqual(
        peers.filter((peer) => !peer.closed),
        [],
      )
      assert.deepEqual(client.closes, [])
    })
  })
}

function pattern(size: number, step: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => index * step))
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** A listening socket whose connections are peers. */
async function socketPeers(
  t: TestContext,
  listen: (server: Server) => void,
): Promise<[Server, Peer[]]> {
  const peers: Peer[] = []
  const server = createServer((socket) => {
    const received: Uint8Array[] = []
    socket.on('data', (chunk: Uint8Array) => received.push(chunk))
    socket.on('error', () => {})
    peers.push({
      received,
      send: (data) => void socket.write(data),
      stall: () => void socket.pause(),
      close: () => void socket.end(),
      get closed() {
        return socket.destroyed
      },
    })
    t.after(() => socket.destroy())
  })
  listen(server)
  await once(server, 'listening')
  t.after(() => server.close())
  return [server, peers]
}

async function unixPeers(t: TestContext): Promise<[string, Peer[]]> {
  const folder = await mkdtemp(join(tmpdir(), 'fcgi-transport-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'peer.sock')
  const [, peers] = await socketPeers(t, (server) => server.listen(path))
  return [path, peers]
}

transportContract('node:net over a unix socket', async (t) => {
  const [path, peers] = await unixPeers(t)
  return { connect: connectNode(`unix:${path}`), peers }
})

if (process.platform === 'linux') {
  transportContract('node:net over an abstract socket', async (t) => {
    const name = `fcgi-transport-${process.pid}-${Math.random().toString(36).slice(2)}`
    const [, peers] = await socketPeers(t, (server) => server.listen(`\0${name}`))
    return { connect: connectNode(`unix:@${name}`), peers }
  })
}

if (process.versions['bun'] !== undefined) {
  transportContract('Bun.connect over a unix socket', async (t) => {
    const [path, peers] = await unixPeers(t)
    return { connect: connectBun(`unix:${path}`), peers }
  })

  transportContract('Bun.connect over an abstract socket', async (t) => {
    const name = `fcgi-transport-${process.pid}-${Math.random().toString(36).slice(2)}`
    const [, peers] = await socketPeers(t, (server) => server.listen(`\0${name}`))
    return { connect: connectBun(`unix:@${name}`), peers }
  })
}

for (const host of ['127.0.0.1', '::1', 'localhost']) {
  transportContract(`node:net over TCP to ${host}`, async (t) => {
    const [server, peers] = await socketPeers(t, (listener) => listener.listen(0, host))
    const address = server.address()
    assert.ok(address && typeof address === 'object')
    return { connect: connectNode({ host, port: address.port }), peers }
  })
}

transportContract('a pair of web streams', async (t) => {
  const [path, peers] = await unixPeers(t)
  const connect = fromStreams(async () => {
    const socket = connectSocket(path)
    await once(socket, 'connect')
    const { readable, writable } = Duplex.toWeb(socket)
    return { readable, writable, close: () => socket.destroy() }
  })
  return { connect, peers }
})

transportContract('memory', async () => {
  const peers: Peer[] = []
  const connect = connectMemory((transport) => {
    const received: Uint8Array[] = []
    let closed = false
    peers.push({
      received,
      send: (data) => void transport.write(data),
      stall: () => transport.pause(),
      close: () => transport.end(),
      get closed() {
        return closed
      },
    })
    return {
      data: (chunk) => void received.push(chunk.slice()),
      drain: () => {},
      close: () => {
        closed = true
      },
    }
  })
  return { connect, peers }
})
