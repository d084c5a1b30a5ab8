// The command as a function: for tests, and for programs that bring their own input and output.

export { Exit, Stop } from './failure.ts'
export { run } from './program.ts'
export { processIo, type Io, type Output } from './io.ts'
