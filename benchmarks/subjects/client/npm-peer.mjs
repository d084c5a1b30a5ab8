// The npm package `fastcgi-client`. It opens a connection for each request; it has no other way.

import fastcgiClient from 'fastcgi-client'

// Its types say `export default`, but it is a CommonJS module that is the function.
const createClient = /** @type {import('fastcgi-client')['default']} */ (
  /** @type {unknown} */ (fastcgiClient)
)

/**
 * @param {import('./setup.mjs').Setup} setup @param {number} connections
 * @returns {Promise<import('./lanes.mjs').Requester>}
 */
export function npmPeer({ socket, params, length }, connections) {
  const client = createClient({
    sockFile: socket,
    skipCheckServer: true,
    maxConns: connections,
    maxReqs: connections,
    mpxsConns: false,
  })
  const requester = {
    /** @param {number} _lane @param {import('./lanes.mjs').Done} done */
    request(_lane, done) {
      client.request(params, (/** @type {unknown} */ error, /** @type {any} */ request) => {
        if (error) return done(error)
        let received = 0
        request.stdout.on('data', (/** @type {Buffer} */ chunk) => (received += chunk.length))
        request.stdout.on('end', () =>
          done(received === length ? undefined : new Error(`${received} bytes`)),
        )
        request.stderr.resume()
        request.stdin.end()
        return undefined
      })
    },
    close() {},
  }
  return new Promise((resolve, reject) => {
    client.on('ready', () => resolve(requester))
    client.on('error', reject)
  })
}
