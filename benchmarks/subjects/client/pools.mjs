// This project's client, by each of its doors.

import { Pool, prepareParams } from '@fastcgi/client'
import { connector, otherConnector } from '../connector.mjs'

/**
 * @typedef {import('./setup.mjs').Setup} Setup
 * @typedef {import('./lanes.mjs').Requester} Requester
 */

/** ms: connections last from one run to the next, as those of the floor do. */
const KEEP_ALIVE = 60_000

/** @param {string} socket @param {number} connections */
function openPool(socket, connections, choose = connector) {
  const address = `unix:${socket}`
  const connect = choose(address)
  return new Pool(address, { connections, connect, keepAliveTimeout: KEEP_ALIVE })
}

/** @param {Setup} setup @param {number} connections @returns {Requester} */
export function dispatch({ socket, params, length }, connections) {
  const pool = openPool(socket, connections)
  return {
    request(_lane, done) {
      let received = 0
      pool.dispatch(
        { params },
        {
          onStdout: (bytes) => void (received += bytes.length),
          onEnd: () => done(received === length ? undefined : new Error(`${received} bytes`)),
          onError: done,
        },
      )
    },
    close: () => pool.close(),
  }
}

/** @param {Setup} setup @param {number} connections @returns {Requester} */
export function execute({ socket, params, length }, connections) {
  return executing(openPool(socket, connections), { params }, length)
}

/** By the sockets that are not taken on this runtime. @param {Setup} setup @param {number} connections @returns {Requester} */
export function other({ socket, params, length }, connections) {
  return executing(openPool(socket, connections, otherConnector), { params }, length)
}

/** @param {Setup} setup @param {number} connections @returns {Requester} */
export function prepared({ socket, constantParams, ownParams, length }, connections) {
  const request = { prepared: prepareParams(constantParams), params: ownParams }
  return executing(openPool(socket, connections), request, length)
}

/**
 * @param {Pool} pool @param {Parameters<Pool['execute']>[0]} request @param {number} length
 * @returns {Requester}
 */
function executing(pool, request, length) {
  return {
    request(_lane, done) {
      pool.execute(request).then(({ stdout }) => {
        done(stdout.length === length ? undefined : new Error(`${stdout.length} bytes`))
      }, done)
    },
    close: () => pool.close(),
  }
}
