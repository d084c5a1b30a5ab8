// The codec alone, without a socket. Each line on stdin is a run of so many seconds for each figure.

import process from 'node:process'
import { createInterface } from 'node:readline'
import { Decoder, Encoder, RecordType, Role } from '@fastcgi/client/protocol'

const { PARAMS = '' } = process.env
const params = Object.fromEntries(
  PARAMS.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)),
)
const MB = 1e6

/** Records of stdout in chunks as sockets give them. @param {number} content bytes in each record */
function chunks(content) {
  const encoder = new Encoder()
  const data = new Uint8Array(content)
  for (let bytes = 0; bytes < 4 * 65_536; bytes += content)
    encoder.stream(RecordType.Stdout, 1, data)
  const wire = encoder.take()
  const parts = []
  for (let at = 0; at < wire.length; at += 65_536) parts.push(wire.subarray(at, at + 65_536))
  return parts
}

/** @param {number} content */
function decoding(content) {
  const parts = chunks(content)
  return () => {
    let [bytes, seen] = [0, 0]
    const decoder = new Decoder({
      onStream: (_type, _requestId, data) => void (seen += data.length),
      onStreamEnd() {},
      onMessage() {},
    })
    for (const part of parts) {
      decoder.push(part)
      bytes += part.length
    }
    if (seen === 0) throw new Error('nothing was decoded')
    return bytes
  }
}

function encoding() {
  const encoder = new Encoder()
  const data = new Uint8Array(65_536)
  return () => {
    encoder.stream(RecordType.Stdin, 1, data)
    return encoder.take().length
  }
}

function requests() {
  const encoder = new Encoder()
  return () => {
    encoder.beginRequest(1, Role.Responder, true)
    encoder.params(1, params)
    encoder.streamEnd(RecordType.Stdin, 1)
    return encoder.take().length
  }
}

/** MB/s. @param {() => number} step returns how many bytes it handled @param {number} seconds */
function speed(step, seconds) {
  const start = performance.now()
  const deadline = start + seconds * 1000
  let bytes = 0
  while (performance.now() < deadline) for (let turn = 0; turn < 32; turn++) bytes += step()
  return bytes / MB / ((performance.now() - start) / 1000)
}

const figures = {
  decode: decoding(65_528),
  decodeSmall: decoding(256),
  encode: encoding(),
  params: requests(),
}
for await (const line of createInterface({ input: process.stdin })) {
  const results = Object.entries(figures).map(([name, step]) => [name, speed(step, Number(line))])
  console.log(JSON.stringify(Object.fromEntries(results)))
}
