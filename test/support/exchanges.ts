// Gateways that answer by a function of the test, to look at what is between a client and a handler.

import type { Exchange, Middleware } from '@fastcgi/gateway'

/** A middleware that answers everything, and what it throws becomes an error page. */
export function answerBy(answer: (exchange: Exchange) => void | Promise<void>): Middleware {
  return () => answer
}

/** A whole answer of a text. */
export function sendText(exchange: Exchange, text: string, status = 200): void {
  exchange.send(status, [['content-type', 'text/plain']], Buffer.from(text))
}

/** A request body to its end, as text. */
export async function readText(exchange: Exchange): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of exchange.request.body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}
