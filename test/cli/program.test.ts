// The built program: signals, pipes, terminals, help and completion.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { Exit, Stop } from '@fastcgi/cli'
import { startFpm, type Fpm } from '../support/fpm.ts'
import { Gate, noise, sha256 } from '../support/php.ts'
import { PHP_ROOT, ROOT } from '../support/paths.ts'
import { fileScope, findProgram, until } from '../support/process.ts'
import { fcgi, PROGRAM, Running } from './fcgi.ts'

const execute = promisify(execFile)
const script = findProgram(['script'])

let fpm: Fpm

const scope = fileScope()

before(async () => {
  fpm = await startFpm(scope)
})

/** A line of a shell, with the program as `fcgi`. */
async function shell(
  line: string,
  shellProgram = 'bash',
): Promise<{ stdout: string; stderr: string }> {
  const prelude = `set -o pipefail; fcgi() { '${process.execPath}' '${PROGRAM}' "$@"; }; A='${fpm.address}'; `
  return execute(shellProgram, ['-c', prelude + line], { cwd: PHP_ROOT, maxBuffer: 1 << 26 })
}

test('it runs as a program, and says its version', async () => {
  const { version } = JSON.parse(
    readFileSync(join(ROOT, 'packages', 'cli', 'package.json'), 'utf8'),
  ) as { version: string }
  assert.equal((await execute(process.execPath, [PROGRAM, '--version'])).stdout, `${version}\n`)
  assert.match(readFileSync(PROGRAM, 'utf8'), /^#!\/usr\/bin\/env node\n/)
})

test('a pipe into it and out of it loses nothing', async () => {
  const content = Buffer.from(noise(2_000_000)).toString('hex')
  const child = execute(process.execPath, [PROGRAM, 'put', fpm.address, '/echo.php', '-T', '-'], {
    cwd: PHP_ROOT,
    maxBuffer: 1 << 26,
  })
  child.child.stdin?.end(content)
  const { stdout } = await child
  assert.equal(sha256(Buffer.from(stdout)), createHash('sha256').update(content).digest('hex'))
})

test('a reader that goes away ends it quietly', async () => {
  const { stdout, stderr } = await shell(
    `fcgi get "$A" '/dribble.php?lines=200000' | head -n 2; echo "\${PIPESTATUS[0]}"`,
  )
  assert.equal(stdout, 'line 1\nline 2\n141\n')
  assert.equal(stderr, '')
})

test('Ctrl-C ends a request with 130 and nothing said', async (t) => {
  const gate = new Gate(fpm.directory)
  const url = `/gate.php?gate=${encodeURIComponent(gate.path)}`
  const running = new Running(t, ['get', fpm.address, url])
  await gate.reached()
  running.signal('SIGINT')
  assert.equal(await running.ended(), 130)
  assert.equal(running.err, '')
  gate.open()
})

test('Ctrl-C ends a command that waits for stdin', async () => {
  const end = new AbortController()
  const stdin = new Readable({ read: () => end.abort(new Stop(Exit.Interrupted)) })
  const args = ['put', fpm.address, '/echo.php', '-T', '-']
  const { code, err } = await fcgi(args, { stdin, signal: end.signal })
  assert.deepEqual([code, err], [130, ''])
})

test('SIGTERM ends it with 143', async (t) => {
  const gate = new Gate(fpm.directory)
  const running = new Running(t, [
    'get',
    fpm.address,
    `/gate.php?gate=${encodeURIComponent(gate.path)}`,
  ])
  await gate.reached()
  running.signal('SIGTERM')
  assert.equal(await running.ended(), 143)
  gate.open()
})

test(
  'status --watch draws a live screen on a terminal, and gives it back at Ctrl-C',
  { skip: script ? false : 'script(1) is not installed' },
  async (t) => {
    const line = `'${process.execPath}' '${PROGRAM}' status '${fpm.address}' --watch --interval 0.02`
    const running = new Running(
      t,
      ['-qefc', `stty cols 90; exec ${line}`, '/dev/null'],
      [script ?? ''],
    )
    await running.says(/\[\?1049h[^]*per second[^]*busy +[▁▂▃▄▅▆▇█]{3}/)
    const { stdout } = await execute('pgrep', ['-P', String(running.child.pid), '-f', 'status'])
    process.kill(Number(stdout.trim().split('\n')[0]), 'SIGINT')
    assert.equal(await running.ended(), 130)
    const left = running.out.lastIndexOf('\x1b[?25h\x1b[?1049l')
    assert.match(running.out.slice(left), /workers .* busy/)
    assert.ok(left > 0)
  },
)

test(
  'status --watch goes on while php-fpm does not answer',
  { skip: script ? false : 'script(1) is not installed' },
  async (t) => {
    const halted = await startFpm(t)
    const line = `'${process.execPath}' '${PROGRAM}' status '${halted.address}' -w -n 0.02 -m 0.2`
    const running = new Running(t, ['-qefc', `exec ${line}`, '/dev/null'], [script ?? ''])
    await running.says(/Ctrl-C ends/)
    await halted.halt()
    await running.says(/within 200 ms/)
    halted.proceed()
    const seen = running.out.length
    await until('it shows the pool again', () => running.out.slice(seen).includes('Ctrl-C ends'))
  },
)

test(
  'a long transfer shows its progress on a terminal, and takes it away again',
  { skip: script ? false : 'script(1) is not installed' },
  async (t) => {
    const gate = new Gate(fpm.directory)
    const url = `/gate.php?before=half&gate=${encodeURIComponent(gate.path)}`
    const line = `'${process.execPath}' '${PROGRAM}' get '${fpm.address}' '${url}' -o /dev/null`
    const running = new Running(t, ['-qefc', line, '/dev/null'], [script ?? ''])
    await running.says(/↓ 4 B \d+ B\/s/)
    gate.open()
    assert.equal(await running.ended(), 0)
    assert.ok(running.out.endsWith('\r\x1b[K'))
  },
)

const COMMANDS = [
  'serve',
  'get',
  'post',
  'put',
  'patch',
  'delete',
  'head',
  'options',
  'doctor',
  'status',
  'ping',
  'values',
  'env',
  'completion',
]

test('help lists every command, its exit codes and examples', async () => {
  const { out, code } = await fcgi(['--help'])
  assert.equal(code, 0)
  for (const name of COMMANDS) assert.match(out, new RegExp(`^  ${name} `, 'm'))
  assert.match(out, /^ +22 {2}the HTTP status/m)
  assert.match(out, /^Examples:$/m)
})

for (const name of COMMANDS) {
  test(`${name} --help fits the terminal`, async () => {
    const { out, code } = await fcgi([name, '--help'], { columns: 100 })
    assert.equal(code, 0)
    assert.match(out, new RegExp(`^Usage: fcgi ${name} `))
    const options = out.slice(0, out.search(/\n(?:Examples|To have it)/))
    for (const line of options.split('\n')) assert.ok(line.length <= 100, line)
  })
}

test('without a command it prints help and exits with 2', async () => {
  const { code, err, out } = await fcgi([])
  assert.equal(code, 2)
  assert.match(out + err, /Usage: fcgi/)
})

test('completion scripts are accepted by their shells', async () => {
  await shell('bash -n <(fcgi completion bash)')
  const { stdout } = await shell(
    'source <(fcgi completion bash); COMP_WORDS=(fcgi sta); COMP_CWORD=1; _fcgi; echo "${COMPREPLY[@]}"; ' +
      'COMP_WORDS=(fcgi status x --wa); COMP_CWORD=3; _fcgi; echo "${COMPREPLY[@]}"; ' +
      'COMP_WORDS=(fcgi completion z); COMP_CWORD=2; _fcgi; echo "${COMPREPLY[@]}"',
  )
  assert.equal(stdout, 'status\n--watch\nzsh\n')
  for (const name of COMMANDS) {
    assert.match((await fcgi(['completion', 'fish'])).out, new RegExp(` -a ${name} `))
    assert.match((await fcgi(['completion', 'zsh'])).out, new RegExp(`'${name}:`))
  }
  assert.equal((await fcgi(['completion', 'tcsh'])).code, 2)
})

for (const name of ['zsh', 'fish']) {
  const program = findProgram([name])
  test(
    `${name} reads its completion script`,
    { skip: program ? false : `${name} is not installed` },
    async () => {
      await execute(program ?? name, ['-n', '-c', (await fcgi(['completion', name])).out])
    },
  )
}
