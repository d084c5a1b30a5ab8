// What the README says is what the program does.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/paths.ts'
import { fcgi } from './fcgi.ts'

const readme = readFileSync(join(ROOT, 'packages', 'cli', 'README.md'), 'utf8')

/** Every `fcgi …` in a text, as its words. */
function commandLines(text: string): string[][] {
  return text
    .split('\n')
    .flatMap((line) => /^(?:\$ | {2}|.*\| )?fcgi ((?:[a-z]+) .*)$/.exec(line)?.[1] ?? [])
    .map((line) => line.replace(/ {2,}.*$| \| .*$/, '').split(' '))
}

async function helpOf(...command: string[]): Promise<string> {
  return (await fcgi([...command, '--help'], { columns: 200 })).out
}

/** Every option that an example uses is one that the command has. */
async function check(text: string): Promise<number> {
  const lines = commandLines(text)
  for (const words of lines) {
    const help = await helpOf(words[0] ?? '')
    assert.match(help, new RegExp(`^Usage: fcgi ${words[0]} `), words.join(' '))
    for (const option of words.filter((word) => /^--?[a-zA-Z]/.test(word))) {
      assert.match(help, new RegExp(`(?:^|[ ,])${option}(?:[ ,]|$)`, 'm'), words.join(' '))
    }
  }
  return lines.length
}

test('its examples, and those of the help, use commands and options that there are', async () => {
  assert.ok((await check(readme)) >= 8)
  for (const name of [
    'serve',
    'get',
    'post',
    'doctor',
    'status',
    'opcache',
    'ping',
    'values',
    'env',
  ]) {
    assert.ok((await check(await helpOf(name))) >= 2, name)
  }
  assert.ok((await check(await helpOf())) >= 4)
})

test('its exit codes are those of the help', async () => {
  const rows = (text: string, row: RegExp): string[] =>
    [...text.matchAll(row)].map(([, code, meaning]) => `${code} ${meaning?.replaceAll('`', '')}`)
  const told = rows(await helpOf(), /^ +(\d+) {2}(.+)$/gm)
  assert.deepEqual(rows(readme, /^\| (\d+) +\| (.+?) +\|$/gm), told)
  assert.ok(told.length > 10)
})

test('it names every command', async () => {
  const names = (await helpOf()).matchAll(/^ {2}([a-z]+) {2,}/gm)
  for (const [, name = ''] of names) {
    if (name !== 'help') assert.match(readme, new RegExp(`[ |]${name}\\b`), name)
  }
})
