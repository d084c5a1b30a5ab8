// A server that answers in this process: its listeners, the gateway behind them, and what is known about both.

import process from 'node:process'
import { Pool } from '@fastcgi/client'
import { createWatchedGateway, type Gateway } from '../gateway.ts'
import { silentLogger, type Logger } from '../logger.ts'
import { RequestMetrics } from '../middlewares/metrics.ts'
import type { BackendOptions, GatewayOptions } from '../options.ts'
import type { CheckedServeOptions } from './check-options.ts'
import type { Endpoint } from './endpoint.ts'
import { Listener, nameOf } from './listener.ts'
import { backendFamilies, processFamilies } from './measure.ts'
import type { MetricFamily } from './metric-families.ts'

/** What is known of a backend, for people. */
export interface BackendStatus {
  readonly name: string
  readonly address: string | undefined
  readonly pool: object | undefined
}

/** What an instance is told by whoever runs it. */
export interface InstanceSetting {
  /** The backend of sites that name none: the PHP that was started. */
  readonly backend: BackendOptions | undefined
  /** Tells the processes of one server apart. */
  readonly worker: string | undefined
}

export class Instance {
  readonly #setting: InstanceSetting
  readonly #drainTimeout: number
  readonly #limits: CheckedServeOptions['limits']
  readonly #metrics: RequestMetrics | undefined
  readonly #logger: Logger
  #gateway: Gateway
  #listeners = new Map<string, Listener>()
  /** Gateways that were replaced, and listeners that are no longer wanted, until their last request is over. */
  readonly #retiring = new Set<Promise<unknown>>()
  readonly #retired = new Set<Gateway>()
  readonly #leaving = new Set<Listener>()
  #closing: Promise<number> | undefined
  #cut = 0
  #isCutOff = false
  #end: (() => void) | undefined

  private constructor(checked: CheckedServeOptions, setting: InstanceSetting) {
    this.#setting = setting
    this.#drainTimeout = checked.drainTimeout
    this.#limits = checked.limits
    this.#logger = checked.gateway.logger ?? silentLogger
    this.#metrics = checked.admin && new RequestMetrics()
    this.#gateway = this.#createGateway(checked.gateway)
  }

  /** @throws TypeError on options that cannot be used; ListenError; Error on a certificate that cannot be used. */
  static async start(checked: CheckedServeOptions, setting: InstanceSetting): Promise<Instance> {
    const instance = new Instance(checked, setting)
    try {
      instance.#listeners = await instance.#listen(checked, new Map())
    } catch (error) {
      await instance.destroy()
      throw error
    }
    return instance
  }

  get urls(): string[] {
    return Array.from(this.#listeners.values(), ({ url }) => url)
  }

  get active(): number {
    return [...this.#listeners.values(), ...this.#leaving].reduce(
      (sum, { active }) => sum + active,
      0,
    )
  }

  get draining(): boolean {
    return this.#closing !== undefined
  }

  get backends(): Gateway['backends'] {
    return this.#gateway.backends
  }

  get backendStatus(): BackendStatus[] {
    return this.backends.map(({ name, executor }) => {
      const pool = executor instanceof Pool ? executor : undefined
      return { name, address: pool?.address, pool: pool?.stats }
    })
  }

  get families(): MetricFamily[] {
    return [
      ...(this.#metrics?.families ?? []),
      ...backendFamilies(this.backends),
      ...processFamilies(this.#setting.worker),
    ]
  }

  /** New requests get the new gateway, those that run keep the old one. @throws as {@link start}; then nothing has changed. */
  async reload(checked: CheckedServeOptions): Promise<void> {
    if (this.#closing) throw new Error('the server is closing, and takes no other options')
    const gateway = this.#createGateway(checked.gateway)
    const before = this.#listeners
    try {
      this.#listeners = await this.#listen(checked, before)
    } catch (error) {
      gateway.destroy()
      throw error
    }
    const old = this.#gateway
    this.#gateway = gateway
    this.#retired.add(old)
    this.#retire(old.close().finally(() => this.#retired.delete(old)))
    const kept = new Set(this.#listeners.values())
    for (const listener of before.values()) if (!kept.has(listener)) this.#leave(listener)
  }

  /** Finishes what runs. @returns how many requests were cut off. */
  close(): Promise<number> {
    return (this.#closing ??= this.#close())
  }

  /** @returns how many requests were cut off. */
  destroy(): Promise<number> {
    this.#closing ??= this.#close()
    this.#cutOff()
    return this.#closing
  }

  async #close(): Promise<number> {
    for (const listener of this.#listeners.values()) this.#leave(listener)
    const late = new Promise<void>((resolve) => (this.#end = resolve))
    const patience = this.#drainTimeout > 0 && setTimeout(() => this.#cutOff(), this.#drainTimeout)
    await Promise.race([this.#drained(), late])
    if (patience) clearTimeout(patience)
    await this.#gateway.close()
    return this.#cut
  }

  /** What is retired while it is waited for counts, too. */
  async #drained(): Promise<void> {
    while (this.#retiring.size > 0) await Promise.all(this.#retiring)
  }

  #cutOff(): void {
    if (this.#isCutOff) return
    this.#isCutOff = true
    for (const listener of this.#leaving) this.#cut += listener.destroy()
    const reason = new Error('the server was closed before the request was over')
    for (const gateway of [this.#gateway, ...this.#retired]) gateway.destroy(reason)
    this.#end?.()
  }

  #leave(listener: Listener): void {
    this.#leaving.add(listener)
    this.#retire(listener.drain().finally(() => this.#leaving.delete(listener)))
  }

  #retire(end: Promise<unknown>): void {
    const settled = end
      .catch((error: unknown) => this.#logger.error({ error }, 'something did not close'))
      .finally(() => this.#retiring.delete(settled))
    this.#retiring.add(settled)
  }

  /** Listens on what is new, and keeps what is not. */
  async #listen(
    checked: CheckedServeOptions,
    before: ReadonlyMap<string, Listener>,
  ): Promise<Map<string, Listener>> {
    const listeners = new Map<string, Listener>()
    const opened: Listener[] = []
    try {
      for (const endpoint of checked.endpoints) {
        const key = keyOf(endpoint, listeners)
        const known = before.get(key)
        if (known && checked.tls) known.setTls(checked.tls)
        const listener = known ?? (await this.#open(endpoint, checked))
        if (!known) opened.push(listener)
        listeners.set(key, listener)
      }
      return listeners
    } catch (error) {
      for (const listener of opened) listener.destroy()
      throw error
    }
  }

  #open(endpoint: Endpoint, { tls }: CheckedServeOptions): Promise<Listener> {
    return Listener.open(endpoint, this.#limits, tls, (request, response) => {
      this.#gateway.handler(request, response)
    })
  }

  #createGateway(options: GatewayOptions): Gateway {
    const { backend } = this.#setting
    const watching = this.#metrics ? [this.#metrics.middleware] : []
    return createWatchedGateway({ ...options, ...(backend && { backend }) }, watching)
  }
}

/** Port 0 twice is two ports. */
function keyOf(endpoint: Endpoint, taken: ReadonlyMap<string, unknown>): string {
  const name = `${endpoint.scheme} ${nameOf(endpoint)}`
  return taken.has(name) ? `${name} ${taken.size}` : name
}

/** Who a process is, for people. */
export function processStatus(): { pid: number; uptime: number } {
  return { pid: process.pid, uptime: Math.round(process.uptime()) }
}
