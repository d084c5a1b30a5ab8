// Each way to talk to php-fpm, done once and timed. What is printed was measured in this run.

import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Client, executeOnce, Pool } from '@fastcgi/client'
import { createFetch } from '@fastcgi/client/http'

const UPLOAD = 16 * 1024 * 1024

/**
 * @param {string} address of a php-fpm
 * @param {string} root the folder of the fixtures
 */
export async function tour(address, root) {
  /** @param {string} script @param {Record<string, string | number>} [params] */
  const request = (script, params = {}) => ({
    params: {
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: `/${script}`,
      SCRIPT_FILENAME: join(root, script),
      ...params,
    },
  })
  await show('one-shot', async () => {
    const response = await executeOnce(address, request('hello.php'))
    return `hello.php says ${JSON.stringify(bodyOf(response.text()))} on a connection of its own`
  })
  await show('keep-alive', () => keepAlive(address, request('hello.php')))
  await show('streaming', () => streaming(address, request('stderr.php')))
  const put = request('echo-while-reading.php', { REQUEST_METHOD: 'PUT' })
  await show('upload', () => upload(address, put))
  await show('fetch', () => overHttp(address, root))
}

/** @param {string} address @param {import('@fastcgi/client').FastCGIRequest} request */
async function keepAlive(address, request) {
  const pool = new Pool(address, { connections: 2 })
  const time = await timed(() =>
    Promise.all(Array.from({ length: 200 }, () => pool.execute(request))),
  )
  const { connected } = pool.stats
  await pool.close()
  return `200 requests over ${connected} connections, ${((time * 1000) / 200).toFixed(0)} µs each`
}

/** @param {string} address @param {import('@fastcgi/client').FastCGIRequest} request */
async function streaming(address, request) {
  const client = new Client(address)
  const pieces = []
  for await (const { type, data } of client.stream(request)) pieces.push(`${type} ${data.length}`)
  await client.close()
  return `pieces as they came, in bytes: ${pieces.join(', ')}`
}

/** @param {string} address @param {import('@fastcgi/client').FastCGIRequest} request */
async function upload(address, request) {
  const body = randomBytes(UPLOAD)
  const { stdout } = await executeOnce(address, { ...request, stdin: body })
  const same = sha256(stdout.subarray(stdout.length - UPLOAD)) === sha256(body)
  if (!same) throw new Error('what came back is not what was sent')
  return '16 MiB up to a script that sends them back while it reads: the same bytes came back'
}

/** @param {string} address @param {string} root */
async function overHttp(address, root) {
  const pool = new Pool(address)
  const php = createFetch(pool, { root })
  const response = await php(new Request('http://localhost/hello.php'))
  const text = await response.text()
  await pool.close()
  return `GET /hello.php: ${response.status}, ${response.headers.get('content-type')}, ${text.length} bytes`
}

/** @param {string} what @param {() => Promise<string>} act */
async function show(what, act) {
  let told = ''
  const time = await timed(async () => {
    told = await act()
  })
  console.log(`${what.padEnd(11)}${time.toFixed(1).padStart(7)} ms  ${told}`)
}

/** @param {() => Promise<unknown>} act @returns {Promise<number>} ms */
async function timed(act) {
  const started = performance.now()
  await act()
  return performance.now() - started
}

/** @param {string} stdout */
function bodyOf(stdout) {
  return stdout.slice(stdout.indexOf('\r\n\r\n') + 4).trim()
}

/** @param {Uint8Array} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
