// Everything on the web site that is no program: configurations, manifests, commands, PHP. Each is read by what would read it.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { findFpm, startFpm } from '../support/fpm.ts'
import { ROOT } from '../support/paths.ts'
import { findProgram } from '../support/process.ts'
import { fcgi } from '../cli/fcgi.ts'
import { blocks, blocksIn, WEBSITE, type Block } from './pages.ts'

const run = promisify(execFile)
const LIMIT = { timeout: 30_000 }
const APP = join(ROOT, 'test', 'site', 'app')
/** Below the repository, so that the packages are found from there. */
const FOLDER = join(ROOT, 'build', 'site-files')

/** The part of `yaml` that is used. */
interface Yaml {
  parseAllDocuments(text: string): { errors: readonly Error[]; toJS(): unknown }[]
}
const yaml = createRequire(join(WEBSITE, 'package.json'))('yaml') as Yaml

interface Scripts {
  readonly scripts: object
}

let address: string

before(async (t) => {
  assert.ok('after' in t)
  address = (await startFpm(t, { workers: 3, directives: { 'pm.status_path': '/status' } })).address
  await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })
})

test('every block is in a language that is checked', () => {
  const checked = new Set(['ts', 'js', 'sh', 'ini', 'php', 'yaml', 'dockerfile', 'nginx'])
  for (const { language, where } of blocks()) {
    assert.ok(checked.has(language), `${where}: nobody checks ${language || 'this'}`)
  }
})

const configurations = blocksIn('js')
test('JavaScript is configuration', () => {
  for (const { title, where } of configurations) assert.equal(title, 'fcgi.config.mjs', where)
  assert.ok(configurations.length > 10)
})
for (const block of configurations) {
  test(`${block.where} is a configuration that fcgi serve takes`, async () => {
    const folder = join(FOLDER, block.name)
    const folders = ['public', 'wordpress', 'storage/app/reports']
    for (const name of folders) await mkdir(join(folder, name), { recursive: true })
    const code = block.code.replaceAll("'/srv/app/public'", "'public'")
    await writeFile(join(folder, 'fcgi.config.mjs'), code)
    const args = ['serve', '--print-config', '--config', join(folder, 'fcgi.config.mjs')]
    const { code: exit, err } = await fcgi(args)
    assert.equal(exit, 0, err)
  })
}

for (const block of blocksIn('php')) {
  test(`${block.where} is PHP`, async () => {
    const file = join(FOLDER, `${block.name}.php`)
    await writeFile(file, block.code)
    const php = findProgram(['php-cgi', 'php', 'php-cgi8.2', 'php8.2'])
    assert.ok(php, 'no php-cgi: apt-get install php-cgi')
    await run(php, ['-l', file], LIMIT)
  })
}

/** The sections that a file of systemd has, and the names that php.ini has, as far as the pages use them. */
const UNIT_KEYS: ReadonlySet<string> = new Set(
  `Description After ExecStart ExecReload User Restart TimeoutStopSec AmbientCapabilities NoNewPrivileges
  ProtectSystem ProtectHome PrivateTmp WantedBy`.split(/\s+/),
)

for (const block of blocksIn('ini')) {
  test(`${block.where}, ${block.title}, is understood`, async () => {
    if (block.title.endsWith('.service')) return checkUnit(block)
    if (block.title === 'php.ini') return checkIni(block)
    // What a file adds to one that is there already.
    const rest = block.code.includes('pm =')
      ? ''
      : 'user = www-data\npm = static\npm.max_children = 1\n'
    const pool = `${block.code}${rest}`
    const file = join(FOLDER, `${block.name}.conf`)
    const text = pool.replaceAll('/var/log/', `${FOLDER}/`).replaceAll('/run/php/', `${FOLDER}/`)
    await writeFile(file, `[global]\nerror_log = ${FOLDER}/fpm.log\n${text}`)
    await run(findFpm(), ['-t', '-y', file], LIMIT)
  })
}

async function checkUnit({ code, where }: Block): Promise<void> {
  for (const [, key = ''] of code.matchAll(/^(\w+)=/gm))
    assert.ok(UNIT_KEYS.has(key), `${where}: ${key}`)
  const [, command = ''] = /^ExecStart=\/usr\/bin\/(.+)$/m.exec(code) ?? []
  await checkCommand(command, where)
  const systemd = findProgram(['systemd-analyze'])
  if (systemd === undefined) return
  // It looks whether the program is there, and its exit code does not tell of keys that it does not know.
  const file = join(FOLDER, 'fcgi.service')
  await writeFile(file, code.replace('/usr/bin/fcgi', process.execPath))
  const { stderr } = await run(systemd, ['verify', '--man=no', file], LIMIT)
  assert.equal(stderr, '', where)
}

async function checkIni({ code, where }: Block): Promise<void> {
  const php = findProgram(['php-cgi', 'php-cgi8.2'])
  assert.ok(php, 'no php-cgi: apt-get install php-cgi')
  const file = join(FOLDER, 'settings.php')
  await writeFile(file, '<?php echo json_encode(ini_get_all(null, false));')
  const { stdout } = await run(php, ['-q', '-n', '-f', file], { ...LIMIT, maxBuffer: 1 << 20 })
  const settings = JSON.parse(stdout.slice(stdout.indexOf('{'))) as object
  for (const [, key = ''] of code.matchAll(/^([\w.]+) =/gm))
    assert.ok(key in settings, `${where}: ${key}`)
}

/** Every command of the pages, as its words; quotes hold one together. */
function commandsOf({ code }: Block): string[] {
  return code
    .split('\n')
    .map((line) => line.replace(/ {2,}#.*$|^#.*$/, '').trim())
    .filter(Boolean)
}

function words(command: string): string[] {
  return [...command.replace(/^.* \| (?=fcgi )| \| .*$/g, '').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  )
}

const helps = new Map<string, string>()
async function helpOf(command: string): Promise<string> {
  const known = helps.get(command)
  if (known !== undefined) return known
  const { code, out, err } = await fcgi([command, '--help'], { columns: 200 })
  assert.equal(code, 0, err)
  helps.set(command, out)
  return out
}

/** Its options are options of the command; what only looks is run as well. */
async function checkCommand(command: string, where: string): Promise<void> {
  const [program, first = '', ...rest] = words(command)
  if (program === 'npm' && first === 'run') return checkScript(rest, where)
  if (program === 'npm') return checkInstall(rest, where)
  const [name, args] = program === 'fcgi' ? [first, rest] : [rest[0] ?? '', rest.slice(1)]
  const isOurs = program === 'fcgi' || (program === 'npx' && first === '@fastcgi/cli')
  assert.ok(isOurs, `${where}: nobody checks ${command}`)
  if (name === '--help') return
  const help = await helpOf(name)
  for (const word of args.filter((one) => /^--?[a-zA-Z]/.test(one))) {
    const option = word.replace(/=.*$/, '')
    assert.match(help, new RegExp(`(?:^|[ ,])${option}(?:[ ,]|$)`, 'm'), `${where}: ${command}`)
  }
}

function checkScript([name = '']: readonly string[], where: string): void {
  const { scripts } = createRequire(import.meta.url)(join(ROOT, 'package.json')) as Scripts
  assert.ok(name in scripts, `${where}: there is no script ${name}`)
}

function checkInstall(args: readonly string[], where: string): void {
  const known = ['client', 'gateway', 'php', 'cli'].map((name) => `@fastcgi/${name}`)
  const others = [
    '@php-wasm/universal',
    '@php-wasm/node-8-4',
    '@opentelemetry/api',
    '@opentelemetry/sdk-node',
    'undici',
    'vite',
  ]
  const packages = args.filter((one) => !one.startsWith('-'))
  assert.ok(packages.length > 0, where)
  for (const name of packages) assert.ok([...known, ...others].includes(name), `${where}: ${name}`)
}

for (const block of blocksIn('sh')) {
  test(`${block.where} uses commands and options that there are`, async () => {
    for (const command of commandsOf(block)) await checkCommand(command, block.where)
  })
}

test('commands of the guides that ask for something get it', async () => {
  const guides = blocksIn('sh').filter(({ where }) => !where.startsWith('reference/'))
  const asking = guides.flatMap(commandsOf).filter((one) => /^fcgi (?:get|env|doctor) /.test(one))
  for (const command of asking) {
    const local = words(command).map((word) =>
      word
        .replace('unix:/run/php/php-fpm.sock', address)
        .replace(/^\/(?:var\/www\/html|srv\/app\/public|srv\/blog|srv\/tools)(?=\/|$)/, APP),
    )
    const { code, err, out } = await fcgi(local.slice(1), { cwd: APP })
    assert.equal(code, 0, `${command}\n${err}${out}`)
  }
  assert.ok(asking.length >= 5)
})

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
}

function documents({ code, where }: Block): unknown[] {
  return yaml.parseAllDocuments(code).map((document) => {
    assert.deepEqual(document.errors, [], where)
    return document.toJS()
  })
}

const isManifest = ({ code }: Block): boolean => code.startsWith('apiVersion:')

test('Kubernetes takes every manifest, and knows every key in it', async () => {
  const manifests = blocksIn('yaml').filter(isManifest).flatMap(documents) as Manifest[]
  assert.ok(manifests.length >= 5)
  // The types of its API refuse a key that is not known, which its own schemas let pass.
  const lines = manifests.map(({ apiVersion, kind, ...rest }, at) => {
    const api = `I${kind} } from 'kubernetes-models/${apiVersion}'`
    const value = JSON.stringify({ apiVersion, kind, ...rest })
    return `import type { ${api.replace(' }', ` as Kind${at} }`)}\nexport const manifest${at}: Kind${at} = ${value}\n`
  })
  const folder = join(FOLDER, 'manifests')
  await mkdir(folder)
  await writeFile(join(folder, 'manifests.ts'), lines.join(''))
  const compilerOptions = {
    module: 'preserve',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    paths: { 'kubernetes-models/*': [join(WEBSITE, 'node_modules', 'kubernetes-models', '*')] },
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  await run(process.execPath, [tsc, '-p', folder], LIMIT).catch(
    (error: Error & { stdout: string }) => {
      assert.fail(error.stdout || error.message)
    },
  )
})

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly ports?: readonly { name: string; containerPort: number }[]
  readonly volumeMounts?: readonly { name: string }[]
  readonly readinessProbe?: { httpGet?: { port: string }; tcpSocket?: { port: string } }
}
interface Workload extends Manifest {
  readonly spec: {
    readonly selector: { matchLabels: object }
    readonly template: {
      readonly metadata: { labels: object }
      readonly spec: { containers: readonly Container[]; volumes?: readonly { name: string }[] }
    }
  }
}

test('what a manifest names is there: labels, volumes, ports, options of fcgi', async () => {
  const manifests = blocksIn('yaml').filter(isManifest).flatMap(documents) as Manifest[]
  const workloads = manifests.filter(({ kind }) => kind === 'Deployment') as Workload[]
  for (const { spec } of workloads) {
    const { metadata, spec: pod } = spec.template
    assert.deepEqual(spec.selector.matchLabels, metadata.labels)
    for (const { args, ports = [], volumeMounts = [], readinessProbe } of pod.containers) {
      for (const { name } of volumeMounts)
        assert.ok(
          pod.volumes?.some((one) => one.name === name),
          name,
        )
      const port = readinessProbe?.httpGet?.port ?? readinessProbe?.tcpSocket?.port
      if (port)
        assert.ok(
          ports.some(({ name }) => name === port),
          port,
        )
      if (args) await checkCommand(`fcgi ${args.join(' ')}`, 'manifest')
    }
  }
  assert.equal(workloads.length, 2)
})

interface Compose {
  readonly services: Record<
    string,
    {
      readonly command?: readonly string[]
      readonly volumes?: readonly string[]
      readonly healthcheck?: object
      readonly depends_on?: readonly string[]
    }
  >
  readonly volumes?: object
}
const HEALTH_KEYS = 'test interval timeout retries start_period'.split(' ')
const SERVICE_KEYS = 'build command ports volumes healthcheck depends_on image'.split(' ')

for (const block of blocksIn('yaml').filter((one) => !isManifest(one))) {
  test(`${block.where}, ${block.title}, has what it names`, async () => {
    const [compose] = documents(block) as [Compose]
    assert.equal(block.title, 'compose.yaml')
    for (const service of Object.values(compose.services)) {
      for (const key of Object.keys(service)) assert.ok(SERVICE_KEYS.includes(key), key)
      for (const key of Object.keys(service.healthcheck ?? {}))
        assert.ok(HEALTH_KEYS.includes(key), key)
      for (const name of service.depends_on ?? []) assert.ok(name in compose.services, name)
      if (service.command) await checkCommand(service.command.join(' '), block.where)
      for (const volume of service.volumes ?? []) {
        const [name = ''] = volume.split(':')
        assert.ok(name.startsWith('./') || name in (compose.volumes ?? {}), volume)
      }
    }
  })
}

test('Dockerfiles have known instructions, and a command that there is', async () => {
  for (const { code, where } of blocksIn('dockerfile')) {
    const lines = code.trim().split('\n')
    for (const line of lines) assert.match(line, /^(?:FROM|RUN|USER|EXPOSE|CMD|COPY) \S/, where)
    const command = JSON.parse(lines.at(-1)?.replace(/^CMD /, '') ?? '') as string[]
    await checkCommand(command.join(' '), where)
  }
})
