// The door of the application side: speaks FastCGI to a web server.

export { fromFetch } from './fetch.ts'
export type {
  ResponderHandler,
  ResponderOptions,
  ResponderReply,
  ResponderRequest,
} from './request.ts'
export { ResponderConnection } from './connection.ts'
export { serve, type ResponderServer, type ServeOptions } from './serve.ts'
