// Client CPU per request against the floor: a raw node:net ping-pong of the same bytes, interleaved in one run.
// Ratios are what counts; absolute times depend on the machine and on what else it does.

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool, prepareParams } from '@fastcgi/client'
import { Encoder, RecordType, Role } from '@fastcgi/client/protocol'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROUNDS = 7
const REQUESTS = 40_000
const CONNECTIONS = [1, 16]
const PARAMS = {
  GATEWAY_INTERFACE: 'CGI/1.1',
  SERVER_SOFTWARE: 'fastcgi-client',
  SERVER_PROTOCOL: 'HTTP/1.1',
  SERVER_NAME: 'www.example.org',
  SERVER_ADDR: '192.0.2.10',
  SERVER_PORT: '443',
  DOCUMENT_ROOT: '/srv/www/example.org/public',
  REDIRECT_STATUS: '200',
  HTTPS: 'on',
  REQUEST_SCHEME: 'https',
}
const OWN = {
  REQUEST_METHOD: 'GET',
  REQUEST_URI: '/index.php/articles/2026?page=2',
  QUERY_STRING: 'page=2',
  SCRIPT_NAME: '/index.php',
  SCRIPT_FILENAME: '/srv/www/example.org/public/index.php',
  PATH_INFO: '/articles/2026',
  REMOTE_ADDR: '198.51.100.7',
  REMOTE_PORT: '51234',
  HTTP_HOST: 'www.example.org',
  HTTP_ACCEPT: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
}

const ALL = { ...PARAMS, ...OWN }

const folder = mkdtempSync(join(tmpdir(), 'fcgi-bench-'))
const socket = join(folder, 'responder.sock')
const backend = await startResponder(socket)
try {
  for (const connections of CONNECTIONS) await compare(connections)
} finally {
  backend.kill()
  rmSync(folder, { recursive: true })
}

async function compare(connections) {
  const subjects = {
    floor: () => floor(connections),
    dispatch: poolSubject(connections, (pool) => dispatchOnce(pool, { params: ALL })),
    execute: poolSubject(connections, (pool) => pool.execute({ params: ALL })),
    prepared: poolSubject(connections, preparedRequest()),
  }
  const samples = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
  for (const run of Object.values(subjects)) await run() // warm up
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(subjects)) samples[name].push(await measure(run))
  }
  report(connections, samples)
}

function preparedRequest() {
  const prepared = prepareParams(PARAMS)
  return (pool) => pool.execute({ prepared, params: OWN })
}

async function measure(run) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await run()
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / REQUESTS, rate: REQUESTS / ((performance.now() - start) / 1000) }
}

/** The same bytes over plain sockets: written, and read until as many came back as an answer has. */
async function floor(connections) {
  const encoder = new Encoder()
  encoder.beginRequest(1, Role.Responder, true)
  encoder.params(1, ALL)
  encoder.streamEnd(RecordType.Stdin, 1)
  const request = encoder.take()
  let left = REQUESTS
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const stream = connect(socket)
      await new Promise((resolve, reject) => {
        let pending = 0
        stream.on('error', reject)
        stream.on('data', (chunk) => {
          pending += chunk.length
          // END_REQUEST is the last record of an answer, and the chunk that ends with it ends the answer.
          if (chunk.length < 16 || chunk[chunk.length - 15] !== RecordType.EndRequest) return
          pending = 0
          if (left-- > 0) stream.write(request)
          else resolve()
        })
        left--
        stream.write(request)
      })
      stream.destroy()
    }),
  )
}

function poolSubject(connections, request) {
  return async () => {
    const pool = new Pool(`unix:${socket}`, { connections })
    let left = REQUESTS
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (left-- > 0) await request(pool)
      }),
    )
    await pool.close()
  }
}

function dispatchOnce(pool, request) {
  return new Promise((resolve, reject) => {
    pool.dispatch(request, { onStdout() {}, onEnd: resolve, onError: reject })
  })
}

function report(connections, samples) {
  const base = median(samples.floor.map(({ cpu }) => cpu))
  console.log(`\n${connections} connection(s), ${REQUESTS} requests a round, ${ROUNDS} rounds`)
  for (const [name, rounds] of Object.entries(samples)) {
    const cpu = rounds.map((round) => round.cpu)
    const ratios = rounds.map((round, index) => round.cpu / samples.floor[index].cpu)
    console.log(
      `${name.padEnd(10)} ${median(cpu).toFixed(2).padStart(6)} µs CPU/request ` +
        `${(median(cpu) / base).toFixed(2)} x floor (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}) ` +
        `${Math.round(median(rounds.map(({ rate }) => rate)))} requests/s`,
    )
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

async function startResponder(path) {
  const source = join(HERE, 'responder.c')
  const binary = join(HERE, '..', 'build', 'responder')
  mkdirSync(dirname(binary), { recursive: true })
  if (!existsSync(binary) || statSync(binary).mtimeMs < statSync(source).mtimeMs) {
    execFileSync('cc', ['-O2', '-o', binary, source], { stdio: 'inherit' })
  }
  const child = spawn(binary, [path, '100'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', (code) => reject(new Error(`the responder ended with ${code}`)))
  })
  return child
}
