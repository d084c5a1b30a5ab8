// Compression on the way out, for text that the application did not compress.
//
// A secret and what an attacker chooses, compressed together over TLS, tell each other by their length (BREACH): an application that
// repeats parts of the request beside its tokens should change the tokens with each answer, as most frameworks do.

import Negotiator from 'negotiator'
import type { Middleware } from '../exchange.ts'
import { CompressedReply } from '../replies/compressed-reply.ts'
import { ENCODINGS, type Encoding } from '../replies/encoders.ts'
import type { CompressRules } from '../replies/rules.ts'

/** Compresses what is worth it, by the best coding that the client takes. */
export function compress(rules: CompressRules): Middleware {
  return (next) => (exchange) => {
    const { request } = exchange
    const accepted = encodingFor(request.header('accept-encoding'))
    exchange.reply = new CompressedReply(exchange.reply, {
      rules,
      encoding: accepted,
      head: request.method === 'HEAD',
    })
    return next(exchange)
  }
}

/** Clients send one of a few fields, over and over. */
const known = new Map<string, Encoding | undefined>()
const MAX_KNOWN = 100

function encodingFor(accept: string | undefined): Encoding | undefined {
  if (accept === undefined) return undefined
  if (known.has(accept)) return known.get(accept)
  if (known.size >= MAX_KNOWN) known.clear()
  const encoding = negotiated(accept)
  known.set(accept, encoding)
  return encoding
}

/** The best of ours that the client takes at all: which of them it likes most, it has no way of knowing. */
function negotiated(accept: string): Encoding | undefined {
  const taken = new Negotiator({ headers: { 'accept-encoding': accept } }).encodings([...ENCODINGS])
  return ENCODINGS.find((encoding) => taken.includes(encoding))
}
