// The floor: the same bytes over plain sockets of node:net, and as many read as an answer has.

import { connect } from 'node:net'
import { Encoder, RecordType, Role } from '@fastcgi/client/protocol'

/**
 * @param {import('./setup.mjs').Setup} setup @param {number} connections
 * @returns {import('./lanes.mjs').Requester}
 */
export function floor({ socket, params, answerLength }, connections) {
  const encoder = new Encoder()
  encoder.beginRequest(1, Role.Responder, true)
  encoder.params(1, params)
  encoder.streamEnd(RecordType.Stdin, 1)
  const request = encoder.take()
  const lanes = Array.from({ length: connections }, () => openLane(socket, answerLength))
  return {
    request(lane, done) {
      const own = lanes[lane]
      if (!own) throw new RangeError(`no lane ${lane}`)
      own.done = done
      own.stream.write(request)
    },
    close: () => lanes.forEach(({ stream }) => stream.destroy()),
  }
}

/** @param {string} socket @param {number} answerLength */
function openLane(socket, answerLength) {
  const stream = connect(socket)
  const lane = { stream, done: /** @type {import('./lanes.mjs').Done} */ (() => {}) }
  let pending = 0
  stream.on('error', (error) => lane.done(error))
  stream.on('data', (chunk) => {
    pending += chunk.length
    if (pending < answerLength) return
    const error = pending > answerLength ? new Error(`${pending} bytes of answer`) : undefined
    pending = 0
    lane.done(error)
  })
  return lane
}
