// Pairs of web streams that are there before their connection is, as those of Workers are.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { executeOnce, fromStreams, type StreamPair } from '@fastcgi/client'
import { GET, until } from '../support/requests.ts'

interface Early extends StreamPair {
  /** How often it was closed. */
  closes: number
}

function earlyPair(opened: Promise<unknown>): Early {
  return {
    closes: 0,
    opened,
    readable: new ReadableStream(),
    writable: new WritableStream(),
    close() {
      this.closes++
      return Promise.reject(new Error('closed already'))
    },
  }
}

test('a connection that cannot be made is told as such, and freed', async () => {
  const pair = earlyPair(Promise.reject(new Error('nobody listens')))
  const request = executeOnce('tcp://php:9000', GET, { connect: fromStreams(() => pair) })
  await assert.rejects(request, {
    code: 'FCGI_ERR_CONNECT',
    message: /cannot connect to tcp:\/\/php:9000 \(nobody listens\)/,
    retryable: true,
  })
  await until(() => pair.closes === 1)
})

test('a connection that is never made is freed when its time is up', async () => {
  const pair = earlyPair(new Promise(() => {}))
  const connect = fromStreams(() => pair)
  const request = executeOnce('tcp://php:9000', GET, { connect, connectTimeout: 20 })
  await assert.rejects(request, { code: 'FCGI_ERR_TIMEOUT', phase: 'connect' })
  await until(() => pair.closes === 1)
})

test('a pair that cannot be made at all is told as such', async () => {
  const connect = fromStreams(() => {
    throw new Error('no permission')
  })
  const request = executeOnce('tcp://php:9000', GET, { connect })
  await assert.rejects(request, { code: 'FCGI_ERR_CONNECT', message: /no permission/ })
})
