// What other runtimes run of the tests: everything, but what says here why it does not.

/**
 * @typedef {object} Suites
 * @property {readonly string[]} folders that are left out
 * @property {Readonly<Record<string, string>>} files that are left out, and why
 * @property {Readonly<Record<string, readonly [pattern: string, reason: string]>>} tests that are left out of a file, by their names
 * @property {readonly string[]} own files that this runtime alone runs
 */

/**
 * The checks of this repository, the web site and a browser see the same whatever runs the tests; examples and workerd are started by Node,
 * which gives each the runtime that it is written for.
 */
export const ONCE = ['browser', 'examples', 'house', 'site', 'workers']

const CLUSTER = 'node:cluster of Bun does not spread connections over workers that share a port'
const DENO_CLUSTER = 'a worker of node:cluster on Deno ends with another status than 0 now and then'
const DENO_FETCH = 'fetch of Deno is not built on undici: it takes no dispatcher'
const BACKLOG =
  'Bun calls a full backlog ECONNREFUSED; connectBun, which tells them apart, is tested'
const MOCKED = 'replaces exports of a module of Node, which cannot be done here'
const CODES = 'names a code of the system in a message, which errors of files do not carry on Deno'

/** @type {Record<'bun' | 'deno', Suites>} */
export const SUITES = {
  bun: {
    // Bun puts something of its own in the place of undici, which the door of undici refuses with a reason.
    folders: [...ONCE, 'undici'],
    own: ['bun/bun-serve.js'],
    files: {
      'gateway/chaos-kill.test.js': CLUSTER,
      'gateway/chaos-reload.test.js': CLUSTER,
      'gateway/workers.test.js': CLUSTER,
      'gateway/compress.test.js': MOCKED,
      'gateway/spool-file.test.js': MOCKED,
      'gateway/server-http2.test.js': 'node:http2 of Bun does not keep all that these rely on',
    },
    tests: {
      'cli/doctor.test.js': ['a backlog that is full', BACKLOG],
      'cli/failures.test.js': ['a backlog that stays full', BACKLOG],
      'gateway/adapter-node.test.js': [
        'a header that HTTP cannot carry|a status text is passed on',
        'node:http of Bun refuses a field or a status text that cannot be sent in another way',
      ],
      'gateway/admin.test.js': ['with workers', CLUSTER],
      'gateway/chaos-backlog.test.js': ['over unix', BACKLOG],
      'gateway/chaos-slow.test.js': [
        'that stops to read',
        'node:http of Bun drops what it has not sent when a socket is destroyed',
      ],
      'gateway/compressed-answers.test.js': [
        'in place of a head that was refused',
        'node:http of Bun keeps fields of a head that it refused',
      ],
      'gateway/config.test.js': [
        'may be a module that exports|that throws is refused|that is no JavaScript|of another kind|where its package says CommonJS',
        'Bun words errors of syntax differently, and does not read a module anew that was imported before',
      ],
      'gateway/script-answers.test.js': [
        'HTTP/2|an interim head that cannot be sent',
        'node:http and node:http2 of Bun refuse fields that cannot be sent in another way',
      ],
      'gateway/server.test.js': [
        'expects 100-continue',
        'node:http of Bun goes on reading a body that was refused',
      ],
      'gateway/uploads.test.js': ['no more memory', 'counts memory as V8 does'],
      'http/cgi-request.test.js': ['with the method', 'a Request of Bun takes any method'],
      'http/streaming.test.js': [
        'cancels its source',
        'a Request of Bun does not hand on why its body was cancelled',
      ],
    },
  },
  deno: {
    folders: [...ONCE, 'bun'],
    own: [],
    files: {
      'cli/program.test.js': 'types commands for Node into a shell',
      'gateway/chaos-disk.test.js': CODES,
      'gateway/compress.test.js': MOCKED,
      'gateway/compressed-answers.test.js':
        'zlib of Deno does not see that Brotli was cut off, which these look for',
      'gateway/config.test.js': 'Deno words errors of syntax differently',
      'gateway/chaos-kill.test.js': DENO_CLUSTER,
      'gateway/chaos-reload.test.js': DENO_CLUSTER,
      'gateway/workers.test.js': DENO_CLUSTER,
      'gateway/request-body.test.js':
        'node:http of Deno leaves a connection open whose body was refused',
      'gateway/send-file.test.js': 'a pipe of Deno takes a whole file at once',
      'gateway/server-http2.test.js': 'Deno takes a certificate that cannot be used for one',
      'gateway/slow-clients.test.js': CODES,
      'gateway/spool-file.test.js': MOCKED,
      'gateway/spool.test.js': CODES,
      'gateway/spooled-reply.test.js': `${MOCKED}; ${CODES}`,
      'gateway/uploads.test.js': 'an upload in mode «stream» stands still with node:http of Deno',
      'undici/agent.test.js': DENO_FETCH,
      'undici/clients.test.js': DENO_FETCH,
      'undici/failures.test.js': DENO_FETCH,
    },
    tests: {
      'gateway/admin.test.js': ['with workers', DENO_CLUSTER],
      'gateway/server.test.js': [
        'an address that cannot be taken|expects 100-continue',
        'Deno says EINVAL of such an address, and leaves a connection open whose body was refused',
      ],
    },
  },
}
