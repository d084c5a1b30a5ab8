// The npm package `fastcgi-client`. It opens a connection for each request; it has no other way.

import createClient from 'fastcgi-client'

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
      client.request(params, (error, request) => {
        if (error) {
          done(error)
          return
        }
        let received = 0
        request.stdout.on('data', (/** @type {Buffer} */ chunk) => (received += chunk.length))
        request.stdout.on('end', () =>
          done(received === length ? undefined : new Error(`${received} bytes`)),
        )
        request.stderr.resume()
        request.stdin.end()
      })
    },
    close() {},
  }
  return new Promise((resolve, reject) => {
    client.on('ready', () => resolve(requester))
    client.on('error', reject)
  })
}
