// Types that are also there when it is not installed, and that know that its default export is the function.

declare module 'fastcgi-client' {
  import type { Readable, Writable } from 'node:stream'

  interface Request {
    readonly stdin: Writable
    readonly stdout: Readable
    readonly stderr: Readable
  }

  interface Client {
    request(params: object, callback: (error: Error | undefined, request: Request) => void): void
    on(event: 'ready', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
  }

  export default function createClient(options: object): Client
}
