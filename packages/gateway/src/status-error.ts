// What went wrong, with the status that tells it to a client.

/** A failure that has an HTTP status of its own, such as a full disk. */
export class StatusError extends Error {
  /** The HTTP status to answer with. */
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StatusError'
    this.status = status
  }
}
