// What this project holds itself to, as ratios that were measured in the same rounds.

import { figure, ratio, subjectOf } from '../lib/result.mjs'

/**
 * @typedef {object} Part one number of a row
 * @property {string} [label]
 * @property {string} section
 * @property {string} subject
 * @property {string} [base] what it is divided by; without it the number itself counts
 * @property {string} [minus] what is taken off it
 * @property {string} metric
 * @property {number} [most]
 * @property {number} [least]
 * @property {string} [unit] Default ×
 *
 * @typedef {object} Row
 * @property {string} figure
 * @property {string} target
 * @property {Part[]} parts
 */

const RUNTIMES = {
  client: 'Node 20',
  'client-node24': 'Node 24',
  'client-bun': 'Bun',
  'client-deno': 'Deno',
}
const CLIENT = { section: 'client', subject: 'execute', metric: 'cpu' }
const GATEWAY = { section: 'gateway-tiny', subject: 'gateway-node', metric: 'rate' }
const HELLO = { section: 'php-hello', metric: 'rate' }
const PAGE = { section: 'php-page', subject: 'gateway-node', base: 'nginx-keep' }
const GROWTH = { metric: 'growth', most: 32, unit: ' MiB' }
const IDLE = {
  section: 'idle-memory',
  metric: 'each',
  minus: 'nginx-keep',
  most: 32,
  unit: ' KiB beyond nginx',
}
/** As even as "flat" can be told from noise. */
const FLAT = 1.1

/** @type {Row[]} */
export const TARGETS = [
  {
    figure:
      'client CPU per request at 16 connections, `execute`, vs the raw floor on the same runtime',
    target: '≤ 2.0 ×',
    parts: Object.entries(RUNTIMES).map(([section, label]) =>
      Object.assign({}, CLIENT, { section, label, base: 'floor', most: 2 }),
    ),
  },
  {
    figure: 'the same with the constant part of the params prepared',
    target: '≤ 1.7 ×',
    parts: [{ ...CLIENT, subject: 'prepared', base: 'floor', most: 1.7 }],
  },
  {
    figure: '`execute` vs the Rust crate, plain / buffered',
    target: '≤ 0.4 × / ≤ 1.0 ×',
    parts: [
      { ...CLIENT, label: 'plain', base: 'rust-plain', most: 0.4 },
      { ...CLIENT, label: 'buffered', base: 'rust-buffered', most: 1 },
    ],
  },
  {
    figure: 'the same vs npm `fastcgi-client`',
    target: '≤ 0.08 ×',
    parts: [{ ...CLIENT, base: 'npm', most: 0.08 }],
  },
  {
    figure: 'client latency p50 at 1 connection vs the floor',
    target: '≤ 1.2 ×',
    parts: [{ section: 'client-one', subject: 'execute', base: 'floor', metric: 'p50', most: 1.2 }],
  },
  {
    figure:
      '1 GiB down through `stream`, 1 GiB up: throughput vs a raw socket pump; growth of memory',
    target: '≥ 0.8 ×; ≤ 32 MiB',
    parts: [
      {
        label: 'down',
        section: 'body-down',
        subject: 'stream-down',
        base: 'raw-down',
        metric: 'rate',
        least: 0.8,
      },
      {
        label: 'up',
        section: 'body-up',
        subject: 'stream-up',
        base: 'raw-up',
        metric: 'rate',
        least: 0.8,
      },
      { label: 'down', section: 'body-down', subject: 'stream-down', ...GROWTH },
      { label: 'up', section: 'body-up', subject: 'stream-up', ...GROWTH },
    ],
  },
  {
    figure: 'gateway on Node: CPU per request vs a bare node:http hello server',
    target: '≤ 1.7 ×',
    parts: [{ ...GATEWAY, metric: 'cpu', base: 'hello', most: 1.7 }],
  },
  {
    figure: 'gateway on Node: requests/s vs nginx with keep-alive / nginx default / Caddy',
    target: '≥ 0.75 × / ≥ 1.2 × / ≥ 3.5 ×',
    parts: [
      { ...GATEWAY, label: 'keep-alive', base: 'nginx-keep', least: 0.75 },
      { ...GATEWAY, label: 'default', base: 'nginx', least: 1.2 },
      { ...GATEWAY, label: 'Caddy', base: 'caddy', least: 3.5 },
    ],
  },
  {
    figure: 'gateway on Bun: requests/s vs nginx with keep-alive',
    target: '≥ 1.1 ×',
    parts: [{ ...GATEWAY, subject: 'gateway-bun', base: 'nginx-keep', least: 1.1 }],
  },
  {
    figure:
      'with php-fpm behind, hello script: requests/s vs nginx keep-alive, on Node / on Bun; vs Caddy on Node',
    target: '≥ 0.8 × / ≥ 1.0 × / ≥ 1.8 ×',
    parts: [
      { ...HELLO, label: 'Node', subject: 'gateway-node', base: 'nginx-keep', least: 0.8 },
      { ...HELLO, label: 'Bun', subject: 'gateway-bun', base: 'nginx-keep', least: 1 },
      { ...HELLO, label: 'vs Caddy', subject: 'gateway-node', base: 'caddy', least: 1.8 },
    ],
  },
  {
    figure: 'with php-fpm behind, a page of about 5 ms of PHP: requests/s and p99 vs nginx',
    target: '≥ 0.97 ×, ≤ 1.1 ×',
    parts: [
      { ...PAGE, label: 'requests/s', metric: 'rate', least: 0.97 },
      { ...PAGE, label: 'p99', metric: 'p99', most: 1.1 },
    ],
  },
  {
    figure:
      '200 clients reading a 2 MiB page at 200 KB/s, 4 workers: requests/s of a fast client beside them vs nginx',
    target: '≥ 1.0 ×',
    parts: [
      { section: 'slow-readers', subject: 'gateway-node', base: 'nginx', metric: 'rate', least: 1 },
    ],
  },
  {
    figure:
      'cost per request as params grow 20 → 200 and headers 10 → 100, as connections grow 16 → 256',
    target: 'no worse than linear; flat',
    parts: [
      {
        label: 'params',
        section: 'scaling-client',
        subject: 'params',
        base: 'base',
        metric: 'cpu',
        most: 10,
      },
      {
        label: 'headers',
        section: 'scaling-gateway',
        subject: 'headers',
        base: 'base',
        metric: 'cpu',
        most: 10,
      },
      {
        label: 'connections of the client',
        section: 'scaling-client',
        subject: 'connections',
        base: 'base',
        metric: 'cpu',
        most: FLAT,
      },
      {
        label: 'of the gateway',
        section: 'scaling-gateway',
        subject: 'connections',
        base: 'base',
        metric: 'cpu',
        most: FLAT,
      },
    ],
  },
  {
    figure:
      'memory per idle keep-alive connection of the client; of an idle HTTP connection of the gateway',
    target: 'stated, and below nginx + 32 KiB',
    parts: [
      { ...IDLE, label: 'client', subject: 'execute' },
      { ...IDLE, label: 'gateway', subject: 'gateway-node' },
    ],
  },
]

/**
 * @typedef {object} Judged
 * @property {string} figure
 * @property {string} target
 * @property {string} measured
 * @property {string} reached yes, no, not measured, or which parts
 */

/** @param {readonly import('../lib/result.mjs').GroupResult[]} groups @returns {Judged[]} */
export function judge(groups) {
  const sections = new Map(groups.flatMap((group) => group.sections).map((each) => [each.id, each]))
  return TARGETS.map(({ figure: name, target, parts }) => {
    const judged = parts.map((part) => judgePart(part, sections.get(part.section)))
    return {
      figure: name,
      target,
      measured: judged.map(({ text }) => text).join('; '),
      reached: verdict(judged.map(({ reached }) => reached)),
    }
  })
}

/** @param {Part} part @param {import('../lib/result.mjs').Section | undefined} section */
function judgePart(part, section) {
  const { label, most = Infinity, least = -Infinity, unit = ' ×' } = part
  const value = valueOf(part, section)
  const name = label ? `${label} ` : ''
  if (value === undefined) return { text: `${name}–`, reached: undefined }
  const rounded = Number(value.toFixed(2))
  return { text: `${name}${rounded}${unit}`, reached: rounded <= most && rounded >= least }
}

/** @param {Part} part @param {import('../lib/result.mjs').Section | undefined} section */
function valueOf({ subject, base, minus, metric }, section) {
  const own = subjectOf(section, subject)
  if (!own) return undefined
  if (base !== undefined) return ratio(own, subjectOf(section, base), metric)?.median
  const value = figure(own, metric)?.median
  if (minus === undefined || value === undefined) return value
  const other = subjectOf(section, minus)
  const off = other && figure(other, metric)?.median
  return off === undefined ? undefined : value - off
}

/** @param {readonly (boolean | undefined)[]} parts */
function verdict(parts) {
  const known = parts.filter((part) => part !== undefined)
  if (known.length === 0) return 'not measured'
  const reached = known.filter(Boolean).length
  if (reached === parts.length) return 'yes'
  return reached === 0 ? 'no' : `${reached} of ${parts.length}`
}
