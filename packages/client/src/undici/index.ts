// The door to undici: its dispatchers, over FastCGI. The only floor that imports it.

export { FastCGIAgent, type FastCGIAgentOptions, type FastCGIOrigin } from './agent.ts'
export { FastCGIDispatcher, type FastCGIDispatcherOptions } from './dispatcher.ts'
export { parseFcgiUrl, type FcgiUrl } from './url.ts'
