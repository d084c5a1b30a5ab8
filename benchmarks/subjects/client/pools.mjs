// This project's client, by each of its doors.

import { Pool, prepareParams } from '@fastcgi/client'

/**
 * @typedef {import('./setup.mjs').Setup} Setup
 * @typedef {import('./lanes.mjs').Requester} Requester
 */

/** @param {Setup} setup @param {number} connections @returns {Requester} */
export function dispatch({ socket, params, length }, connections) {
  const pool = new Pool(`unix:${socket}`, { connections })
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
  return executing(new Pool(`unix:${socket}`, { connections }), { params }, length)
}

/** @param {Setup} setup @param {number} connections @returns {Requester} */
export function prepared({ socket, constantParams, ownParams, length }, connections) {
  const request = { prepared: prepareParams(constantParams), params: ownParams }
  return executing(new Pool(`unix:${socket}`, { connections }), request, length)
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
