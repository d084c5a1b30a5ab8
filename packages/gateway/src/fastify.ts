// PHP as a plugin of Fastify.
//
// The answer is sent with `reply.send`, as a stream; not written past Fastify with `reply.hijack()`: hooks such as those of @fastify/compress,
// @fastify/cookie, @fastify/cors and @fastify/session see every answer, and its time and errors are in the log.

import type { FastifyPluginCallback, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import {
  openDoor,
  type CommonOptions,
  type Door,
  type GatewaySource,
} from './frameworks/options.ts'
import { answerAsStream, type StreamAnswer } from './frameworks/stream-answer.ts'

export type { CommonOptions, GatewaySource } from './frameworks/options.ts'

interface OwnOptions {
  /**
   * The methods that PHP answers. @default all that the application knows (`app.addHttpMethod`), but for those that it has a route for by
   * the same path when this is registered
   */
  readonly methods?: readonly HTTPMethods[] | undefined
}

/** Options of {@link fastcgi}: those of a gateway, or a gateway, beside `prefix` and the others of `register`; `fallthrough` is `true` by default. */
export type FastifyOptions = GatewaySource & CommonOptions & OwnOptions

// What `register` takes itself, and hands on to the plugin with the rest.
const OF_REGISTER: ReadonlySet<string> = new Set(['prefix', 'logLevel', 'logSerializers'])

/**
 * A plugin for Fastify 5, with a scope of its own: `prefix` is what PHP sees in SCRIPT_NAME; parsers of bodies are off in there, and bodies
 * pass through as they come, whatever the `bodyLimit` (`requestBody.maxSize` is the gateway's). What is not found goes to
 * `setNotFoundHandler`, what fails to `setErrorHandler`. A gateway that is made here is closed with the application.
 * @throws TypeError, when it is registered, that names the option that cannot be used, and what it takes.
 * @example
 * await app.register(fastcgi, { prefix: '/blog', root: '/srv/blog', backend: 'unix:/run/php/php-fpm.sock' })
 */
export const fastcgi: FastifyPluginCallback<FastifyOptions> = (scope, options, done) => {
  let door: Door<OwnOptions>
  try {
    door = openDoor<OwnOptions>(withoutRegister(options), ['methods'], true)
  } catch (error) {
    done(error as Error)
    return
  }
  const { gateway, made, own } = door
  if (made) scope.addHook('onClose', () => gateway.close())
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
  const methods = [...(own.methods ?? scope.supportedMethods)] as HTTPMethods[]
  const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    answer(door, scope.prefix, request, reply)
  for (const path of ['/', '/*']) {
    // Such as OPTIONS of everything, which @fastify/cors answers.
    const isFree = (method: HTTPMethods): boolean =>
      !scope.hasRoute({ method, url: scope.prefix.replace(/\/$/, '') + path })
    const method = methods.filter(isFree)
    if (method.length > 0) scope.route({ method, url: path, exposeHeadRoute: false, handler })
  }
  done()
}

// As fastify-plugin says it, but for the scope, which is wanted here.
Object.assign(fastcgi, {
  [Symbol.for('fastify.display-name')]: '@fastcgi/gateway',
  [Symbol.for('plugin-meta')]: { name: '@fastcgi/gateway', fastify: '5.x' },
})

export default fastcgi

function withoutRegister(options: FastifyOptions): FastifyOptions {
  const own = Object.entries(options).filter(([name]) => !OF_REGISTER.has(name))
  return Object.fromEntries(own)
}

async function answer(
  { gateway, fallthrough }: Door<OwnOptions>,
  pattern: string,
  { raw }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const given = await answerAsStream(gateway, {
    request: raw,
    response: reply.raw,
    seen: raw,
    pattern,
    fallthrough,
  })
  if (given) return send(reply, given)
  if (!reply.raw.destroyed) reply.callNotFound()
  return reply
}

function send(
  reply: FastifyReply,
  { status, statusText, headers, body }: StreamAnswer,
): FastifyReply {
  reply.code(status).headers(headers)
  if (statusText !== '' && reply.request.raw.httpVersionMajor < 2)
    reply.raw.statusMessage = statusText
  // Fastify gives empty bytes a type.
  return body instanceof Uint8Array && body.length === 0 ? reply.send() : reply.send(body)
}
