// workerd, the runtime of Workers, with one Worker that is made of compiled modules as they are: no bundler stands in between.

import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { ROOT } from './paths.ts'
import { lastFirst, Program, temporaryDirectory, type Scope } from './process.ts'

const WORKERD = join(ROOT, 'test/runtimes/node_modules/@cloudflare/workerd-linux-64/bin/workerd')
const CLIENT = join(ROOT, 'packages/client/dist')
/** What a Worker imports, and where it is. Nothing else is there, and no module of Node. */
const DOORS = { web: 'web.js', http: 'http/index.js' }

/** Why nothing can be tested on workerd; `false` when something can. */
export const noWorkerd: string | false =
  !existsSync(WORKERD) && 'no workerd: npm ci in test/runtimes'

export interface WorkerOptions {
  /** The compiled Worker. */
  readonly main: string
  readonly bindings: Readonly<Record<string, string>>
  /** A Durable Object: its binding and its class. */
  readonly object?: { readonly binding: string; readonly className: string }
}

/** Starts a Worker; gone with its scope. @returns its origin */
export async function startWorker(owner: Scope, options: WorkerOptions): Promise<string> {
  const scope = lastFirst(owner)
  const directory = await temporaryDirectory(scope)
  const config = join(directory, 'config.capnp')
  await writeFile(config, configuration(directory, options))
  // It says on stdout which port it took.
  const program = new Program(WORKERD, ['serve', config, '--control-fd=1'])
  scope.after(() => program.stop())
  const port = await program.until('listens', () => /"port":(\d+)/.exec(program.log)?.[1])
  return `http://127.0.0.1:${port}`
}

function configuration(directory: string, { main, bindings, object }: WorkerOptions): string {
  const embed = (path: string): string => `embed "${relative(directory, path)}"`
  const modules = [
    `(name = "worker", esModule = ${embed(main)})`,
    ...Object.entries(DOORS).map(
      ([door, file]) =>
        `(name = "@fastcgi/client/${door}", esModule = "export * from './dist/${file}'")`,
    ),
    ...clientModules().map(
      (file) => `(name = "@fastcgi/client/dist/${file}", esModule = ${embed(join(CLIENT, file))})`,
    ),
  ]
  const given = Object.entries(bindings).map(
    ([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`,
  )
  if (object) {
    given.push(`(name = "${object.binding}", durableObjectNamespace = "${object.className}")`)
  }
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "2025-11-01",
  bindings = [${given.join(', ')}],
  durableObjectNamespaces = [${object ? `(className = "${object.className}", uniqueKey = "test")` : ''}],
  durableObjectStorage = (inMemory = void),
);
`
}

/** Those without a module of Node: what the doors reach is among them, or workerd says that it is missing. */
function clientModules(): string[] {
  const ofNode = new Set(['index', 'sockets', 'transport/bun', 'transport/node', 'transport/turn'])
  return readdirSync(CLIENT, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.js') &&
      !ofNode.has(file.slice(0, -3)) &&
      !['responder', 'testing'].includes(dirname(file)),
  )
}
