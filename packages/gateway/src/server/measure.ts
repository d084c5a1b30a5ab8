// What this process and its backends are doing at the moment, as metrics.

import process from 'node:process'
import { Pool } from '@fastcgi/client'
import type { Backend } from '../site.ts'
import type { MetricFamily, MetricType, Sample } from './metric-families.ts'

/** @param worker Tells the processes of one server apart; nothing for the only one. */
export function processFamilies(worker: string | undefined): MetricFamily[] {
  const labels: Record<string, string> = worker === undefined ? {} : { worker }
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  const one = (name: string, help: string, type: MetricType, value: number): MetricFamily => {
    return { name, help, type, samples: [{ labels, value }] }
  }
  return [
    one(
      'process_cpu_seconds_total',
      'CPU time of the process, in seconds.',
      'counter',
      (user + system) / 1e6,
    ),
    one('process_resident_memory_bytes', 'Resident memory of the process.', 'gauge', rss),
    one('nodejs_heap_size_used_bytes', 'Memory of JavaScript objects.', 'gauge', heapUsed),
    one(
      'process_start_time_seconds',
      'When the process started, in seconds since 1970.',
      'gauge',
      performance.timeOrigin / 1000,
    ),
  ]
}

export function backendFamilies(backends: readonly Backend[]): MetricFamily[] {
  const connections: Sample[] = []
  const requests: Sample[] = []
  for (const { name, executor } of backends) {
    if (!(executor instanceof Pool)) continue
    const { connected, connecting, idle, running, queued } = executor.stats
    const sample = (state: string, value: number): Sample => {
      return { labels: { backend: name, state }, value }
    }
    connections.push(
      sample('busy', connected - idle),
      sample('idle', idle),
      sample('connecting', connecting),
    )
    requests.push(sample('running', running), sample('queued', queued))
  }
  return [
    {
      name: 'fcgi_backend_connections',
      help: 'Connections to backends, by what they are doing.',
      type: 'gauge',
      samples: connections,
    },
    {
      name: 'fcgi_backend_requests',
      help: 'Requests to backends: those that run, and those that wait for a connection.',
      type: 'gauge',
      samples: requests,
    },
  ]
}
