// "Coming from nginx": what it shows of nginx is what nginx takes, and what it names of this project is there.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { findProgram } from '../support/process.ts'
import { blocksIn, pageText } from './pages.ts'

const run = promisify(execFile)
const NGINX = findProgram(['nginx', '/usr/sbin/nginx'])
const page = pageText('guide/migration.md')

/** The cells of the tables, without the row of the titles. */
function rows(title: string): string[][] {
  const [, section = ''] = new RegExp(`^## ${title}$([^]*?)^## `, 'm').exec(page) ?? []
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

function namesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

for (const block of blocksIn('nginx')) {
  const skip = NGINX === undefined && 'no nginx: apt-get install nginx-light'
  test(`${block.where} is what nginx takes`, { skip }, async (t) => {
    assert.ok(NGINX)
    const folder = await mkdtemp(join(tmpdir(), 'fcgi-nginx-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await mkdir(join(folder, 'temporary'))
    await writeFile(join(folder, 'fastcgi_params'), 'fastcgi_param QUERY_STRING $query_string;\n')
    const site = block.code.replace('listen 80;', `listen unix:${folder}/http.sock;`)
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/temporary/${name};`)
      .join('\n')
    const file = join(folder, 'nginx.conf')
    const head = `pid ${folder}/pid;\nerror_log stderr;\nevents {}\n`
    await writeFile(file, `${head}http {\naccess_log off;\n${paths}\n${site}}\n`)
    await run(NGINX, ['-t', '-p', folder, '-c', file, '-e', 'stderr'], { timeout: 30_000 })
  })
}

test('every directive of the configuration to be replaced is in the table', () => {
  const known = new Set(rows('Directives and options').flatMap(([cell]) => namesIn(cell)))
  const [before] = blocksIn('nginx')
  assert.ok(before)
  assert.match(before.title, /^before/)
  const directives = new Set(before.code.match(/^ *[a-z_]+(?= )/gm)?.map((one) => one.trim()))
  directives.delete('server')
  directives.delete('include')
  for (const name of directives) {
    assert.ok(known.has(name) || known.has(`${name} all`), `${name} has no row`)
  }
  assert.ok(directives.size > 10)
})

test('every option in the tables is one of the reference', () => {
  const reference = pageText('reference/configuration.md')
  const cells = [
    ...rows('Directives and options').map(([, cell]) => cell),
    ...rows('From Apache and Caddy').map(([, , cell]) => cell),
  ]
  const names = cells.flatMap(namesIn)
  for (const name of names) {
    const option = name.split('.').at(-1)
    assert.match(reference, new RegExp(`^### ${option}$`, 'm'), name)
  }
  assert.ok(names.length > 50)
})
