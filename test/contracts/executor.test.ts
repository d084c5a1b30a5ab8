// What everything that can run a request keeps to, shown for each of them by the same suite.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { Client, Pool, type Executor } from '@fastcgi/client'
import { ResponderConnection, serve, type ResponderHandler } from '@fastcgi/client/responder'
import { connectMemory, MockPool, type MockCall } from '@fastcgi/client/testing'
import { GET, Recorder, nextTurn } from '../support/requests.js'

const BIG = 3_000_000

/** The application behind every executor: what it does is chosen by SCRIPT_NAME. */
const application: ResponderHandler = async ({ params, stdin, signal }, reply) => {
  const script = params.get('SCRIPT_NAME')
  if (script === '/silent') {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    return 0
  }
  if (script === '/stderr') await reply.stderr('a warning')
  if (script === '/big') await reply.stdout(big())
  if (script === '/status') return 7
  if (script === '/echo') for await (const chunk of stdin) await reply.stdout(chunk)
  else await reply.stdout('hello')
  return 0
}

function mock(): MockPool {
  return new MockPool()
    .on('/silent', () => new Promise(() => {}))
    .on('/stderr', { stdout: 'hello', stderr: 'a warning' })
    .on('/big', { stdout: Buffer.concat([big(), Buffer.from('hello')]) })
    .on('/status', { appStatus: 7 })
    .on('/echo', ({ stdin }: MockCall) => ({ stdout: stdin }))
    .on('*', { stdout: 'hello' })
}

function big(): Uint8Array {
  return Uint8Array.from({ length: BIG }, (_, index) => index % 251)
}

const script = (name: string): typeof GET => ({
  params: { REQUEST_METHOD: 'GET', SCRIPT_NAME: name },
})

function executorContract(
  name: string,
  setup: (t: TestContext) => Executor | Promise<Executor>,
): void {
  describe(name, () => {
    test('executes a request and gives stdout, stderr and appStatus', async (t) => {
      const executor = await setup(t)
      const response = await executor.execute(script('/stderr'))
      assert.equal(response.text(), 'hello')
      assert.equal(response.stderrText(), 'a warning')
      assert.equal(response.appStatus, 0)
      assert.equal(response.protocolStatus, 0)
      assert.equal((await executor.execute(script('/status'))).appStatus, 7)
    })

    test('runs many requests at a time and mixes none up', async (t) => {
      const executor = await setup(t)
      const bodies = Array.from({ length: 50 }, (_, index) => `body ${index} `.repeat(index))
      const answers = await Promise.all(
        bodies.map((stdin) => executor.execute({ ...script('/echo'), stdin })),
      )
      assert.deepEqual(
        answers.map((answer) => answer.text()),
        bodies,
      )
    })

    test('streams stdout and stderr apart, whole and in order', async (t) => {
      const executor = await setup(t)
      const seen = { stdout: 0, stderr: 0 }
      const stream = executor.stream(script('/big'))
      assert.ok(!stream.end)
      const parts: Uint8Array[] = []
      for await (const { type, data } of stream) {
        seen[type] += data.length
        parts.push(data)
      }
      assert.deepEqual(seen, { stdout: BIG + 5, stderr: 0 })
      assert.ok(Buffer.concat(parts).subarray(0, BIG).equals(big()))
      assert.deepEqual(stream.end, { appStatus: 0, protocolStatus: 0 })
    })

    test('does not begin a stream before it is iterated, and lets it be iterated once', async (t) => {
      const executor = await setup(t)
      const stream = executor.stream(script('/index.php'))
      for await (const { data } of stream) assert.equal(Buffer.from(data).toString(), 'hello')
      await assert.rejects(async () => {
        for await (const _ of stream);
      }, TypeError)
    })

    test('frees the request when a stream is left early', async (t) => {
      const executor = await setup(t)
      for await (const _ of executor.stream(script('/big'))) break
      assert.equal((await executor.execute(script('/index.php'))).text(), 'hello')
    })

    test('tells a dispatched request one outcome, and nothing before dispatch has returned', async (t) => {
      const executor = await setup(t)
      const recorder = new Recorder()
      executor.dispatch(script('/stderr'), recorder)
      assert.deepEqual([recorder.stdout, recorder.stderr, recorder.outcomes], [[], [], []])
      await recorder.over
      await nextTurn()
      assert.deepEqual(recorder.outcomes, [{ appStatus: 0, protocolStatus: 0 }])
      assert.equal(Buffer.concat(recorder.stderr).toString(), 'a warning')
    })

    test('stops handing out data while it is paused', async (t) => {
      const executor = await setup(t)
      const recorder = new Recorder()
      const dispatched = executor.dispatch(script('/big'), recorder)
      dispatched.pause()
      for (let turn = 0; turn < 30; turn++) await nextTurn()
      assert.deepEqual(recorder.outcomes, [])
      dispatched.resume()
      await recorder.over
      assert.equal(Buffer.concat(recorder.stdout).length, BIG + 5)
    })

    test('gives a request up by abort, with its reason, once', async (t) => {
      const executor = await setup(t)
      const recorder = new Recorder()
      const dispatched = executor.dispatch(script('/silent'), recorder)
      const reason = new Error('enough')
      dispatched.abort(reason)
      dispatched.abort(new Error('too late'))
      await recorder.over
      assert.deepEqual(recorder.outcomes, [{ error: reason }])
    })

    test('gives a request up by its signal, before and while it runs', async (t) => {
      const executor = await setup(t)
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await assert.rejects(executor.execute(script('/index.php'), { signal }), reason)
      const controller = new AbortController()
      const running = executor.execute(script('/silent'), { signal: controller.signal })
      await nextTurn()
      controller.abort(reason)
      await assert.rejects(running, reason)
      assert.equal((await executor.execute(script('/index.php'))).text(), 'hello')
    })

    test('takes no request after it was closed', async (t) => {
      const executor = await setup(t)
      await executor.execute(script('/index.php'))
      await executor.close()
      await executor.close()
      await assert.rejects(executor.execute(script('/index.php')), { code: 'FCGI_ERR_CLOSED' })
    })

    test('takes no request after it was destroyed', async (t) => {
      const executor = await setup(t)
      executor.destroy()
      await assert.rejects(executor.execute(script('/index.php')), { code: 'FCGI_ERR_CLOSED' })
    })
  })
}

function memory(options: { multiplex?: boolean } = {}): ReturnType<typeof connectMemory> {
  return connectMemory(
    (transport) => new ResponderConnection(transport, application, options, () => {}),
  )
}

executorContract('Pool over memory', (t) => {
  const pool = new Pool('unix:/memory', { connect: memory() })
  t.after(() => pool.destroy())
  return pool
})

executorContract('Pool over TCP', async (t) => {
  const server = await serve(application, { listen: '127.0.0.1:0' })
  const pool = new Pool(server.address, { connections: 3 })
  t.after(async () => {
    pool.destroy()
    await server.destroy()
  })
  return pool
})

executorContract('Client, keep-alive', (t) => {
  const client = new Client('unix:/memory', { connect: memory() })
  t.after(() => client.destroy())
  return client
})

executorContract('Client, short connections', (t) => {
  const client = new Client('unix:/memory', { connect: memory(), keepAlive: false })
  t.after(() => client.destroy())
  return client
})

executorContract('MockPool', mock)
