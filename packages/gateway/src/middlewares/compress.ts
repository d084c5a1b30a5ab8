// Compression for every answer of a gateway.

import type { Middleware } from '../exchange.ts'
import { CompressedReply } from '../replies/compressed-reply.ts'
import type { CompressRules } from '../replies/rules.ts'

/**
 * Compresses what is worth it, by br, zstd or gzip, whatever the client takes.
 *
 * Where a page holds a secret and, beside it, text that an attacker chooses, the length of the compressed page gives the secret away bit by
 * bit (BREACH). Safe are applications whose tokens look different on every page. Others should say `Cache-Control: no-transform` on such
 * pages, or leave `response.compress` off.
 */
export function compress(rules: CompressRules): Middleware {
  return (next) => (exchange) => {
    exchange.reply = new CompressedReply(exchange.reply, exchange.request, rules)
    return next(exchange)
  }
}
