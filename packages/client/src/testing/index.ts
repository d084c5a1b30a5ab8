// The door of the test kit: a backend in memory, one that misbehaves on purpose, and an executor that needs none.

export { connectMemory, type MemoryTransport } from './memory.ts'
export { MockPool, type MockAnswer, type MockCall, type MockReply } from './mock-pool.ts'
export { scriptedPeer, ScriptedPeer, type PeerRequest, type PeerScript } from './scripted-peer.ts'
