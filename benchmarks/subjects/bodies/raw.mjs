// The floor of large bodies: as many bytes pumped through one socket of node:net. What comes is handed on in chunks that may be kept, as
// `stream` does it, or read into one buffer again and again, which is the least that a socket can cost.

import { connect } from 'node:net'
import { Encoder, RecordType, Role } from '@fastcgi/client/protocol'

const CONTENT = 65_528
const RECORD = 8 + CONTENT
/** END_REQUEST, and the end of stdout before it. */
const TAIL = 24

/** @param {import('../client/setup.mjs').Setup} setup */
export function rawDown({ socket, params, length }) {
  return pump(socket, begin(params), 0, wireLength(length), false)
}

/** @param {import('../client/setup.mjs').Setup} setup */
export function rawDownOneBuffer({ socket, params, length }) {
  return pump(socket, begin(params), 0, wireLength(length), true)
}

/** @param {import('../client/setup.mjs').Setup} setup @param {number} bytes to send */
export function rawUp({ socket, params, length }, bytes) {
  return pump(
    socket,
    begin({ ...params, CONTENT_LENGTH: `${bytes}` }),
    bytes,
    wireLength(length),
    false,
  )
}

/** @param {number} length of stdout, as the responder cuts it into records */
function wireLength(length) {
  const full = Math.floor((length - 1) / CONTENT)
  const rest = length - full * CONTENT
  return full * RECORD + 8 + Math.ceil(rest / 8) * 8 + TAIL
}

/** @param {Record<string, string>} params */
function begin(params) {
  const encoder = new Encoder()
  encoder.beginRequest(1, Role.Responder, false)
  encoder.params(1, params)
  return encoder.take()
}

function stdinRecord() {
  const encoder = new Encoder()
  encoder.stream(RecordType.Stdin, 1, new Uint8Array(CONTENT))
  return encoder.take()
}

function stdinEnd() {
  const encoder = new Encoder()
  encoder.streamEnd(RecordType.Stdin, 1)
  return encoder.take()
}

/**
 * @param {string} socket @param {Uint8Array} head @param {number} upload bytes to send
 * @param {number} answer bytes to read @param {boolean} oneBuffer
 * @returns {Promise<void>}
 */
function pump(socket, head, upload, answer, oneBuffer) {
  return new Promise((resolve, reject) => {
    let [sent, received] = [0, 0]
    const callback = (/** @type {number} */ count) => {
      received += count
      if (received < answer) return true
      stream.destroy()
      if (received === answer) resolve()
      else reject(new Error(`${received} bytes of answer, not ${answer}`))
      return true
    }
    const onread = oneBuffer ? { onread: { buffer: Buffer.alloc(65_536), callback } } : {}
    const stream = connect({ path: socket, ...onread }).on('error', reject)
    if (!oneBuffer) stream.on('data', ({ length }) => void callback(length))
    const record = stdinRecord()
    const push = () => {
      while (sent < upload) {
        const content = Math.min(CONTENT, upload - sent)
        sent += content
        // The last one is filled up; the responder counts records, not their content.
        if (!stream.write(record)) return
      }
      stream.off('drain', push)
      stream.write(stdinEnd())
    }
    stream.on('drain', push)
    stream.write(head)
    push()
  })
}
