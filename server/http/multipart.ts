/**
 * Forms of several parts (RFC 7578) with one file, which is handed on as it comes: nothing of it is kept here, and
 * whatever else somebody sends is bounded. What the file holds is its taker's to judge.
 */
import type { Readable } from 'node:stream'
import type { Incoming } from './route.ts'

export interface Form {
  /** The field that holds the file. */
  readonly file: string
  /** Those beside it that have a meaning; each may stand there once. */
  readonly fields: readonly string[]
  /** In bytes, of the file. */
  readonly largest: number
  /** Awaited: no faster than it takes them do chunks come. What it throws is thrown on, and nothing more is read. */
  readonly take: (chunk: Buffer) => Promise<void> | undefined
}

/** What is wrong with a form, for whoever sent it. */
export class FormFault extends Error {
  override readonly name = 'FormFault'
  readonly isTooLarge: boolean

  constructor(message: string, { isTooLarge = false } = {}) {
    super(message)
    this.isTooLarge = isTooLarge
  }
}

const MOST_FIELDS = 20
/** In bytes, each. */
const LONGEST_FIELD = 1024
/** In bytes, of a part's header lines: a disposition and a type. */
const LONGEST_HEADER = 4096
const HEADER_LINES = 10
const CHUNK = 64 * 1024

/** For whoever is still sending when they are told no: they hear it, and then are not listened to any more. */
const LAST_WORDS = 2000

/** The fields by name. Throws `FormFault` for a form that is not one, holds something else or no file, or is too large. */
export async function readForm(
  incoming: Pick<Incoming, 'stream' | 'header'>,
  form: Form,
): Promise<Map<string, string>> {
  const { stream, header } = incoming
  if (!stream) throw faulty('The body must be multipart/form-data.')
  if (header('content-encoding') !== undefined) throw faulty('The body must not be compressed.')
  // Refused before it is sent: whatever is around the file is small.
  if (Number(header('content-length') ?? 0) > form.largest + CHUNK) throw tooLarge(form)
  const { Busboy } = await import('@fastify/busboy')
  const parser = open(() => new Busboy(optionsFor(header('content-type') ?? '', form)))
  const body = stream()
  try {
    return await parse(body, parser, form)
  } catch (error) {
    body.unpipe(parser)
    parser.on('error', () => {})
    body.resume()
    setTimeout(() => {
      if (!body.readableEnded) body.destroy()
    }, LAST_WORDS).unref()
    throw error
  }
}

type Parser = import('@fastify/busboy').BusboyInstance

const optionsFor = (contentType: string, { largest }: Form) => ({
  headers: { 'content-type': contentType },
  highWaterMark: CHUNK,
  fileHwm: CHUNK,
  limits: {
    // One more than may be there, so that it is seen and not passed over.
    files: 2,
    fields: MOST_FIELDS,
    parts: MOST_FIELDS + 2,
    fieldNameSize: 100,
    fieldSize: LONGEST_FIELD,
    fileSize: largest + 1,
    headerPairs: HEADER_LINES,
    headerSize: LONGEST_HEADER,
  },
})

function open(make: () => Parser): Parser {
  try {
    return make()
  } catch {
    throw faulty('The body must be multipart/form-data with a boundary.')
  }
}

function parse(body: Readable, parser: Parser, form: Form): Promise<Map<string, string>> {
  const fields = new Map<string, string>()
  let file: Promise<void> | undefined
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown) => reject(error)
    parser.on('field', (name, value, isNameCut, isCut) => {
      if (isNameCut || !form.fields.includes(name))
        refuse(faulty(`Beside the file there are the fields ${form.fields.join(', ')}, and no others.`))
      else if (isCut) refuse(faulty(`${name} is longer than ${LONGEST_FIELD} bytes.`))
      else if (fields.has(name)) refuse(faulty(`${name} is there twice.`))
      else fields.set(name, value)
    })
    parser.on('file', (name, content) => {
      content.on('error', () => {})
      if (name !== form.file || file) {
        refuse(faulty(`There must be one file, called ${form.file}.`))
        content.resume()
        return
      }
      file = takeAll(content, form)
      file.catch(refuse)
    })
    for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const)
      parser.on(event, () => refuse(faulty('There are more parts than this form has.')))
    parser.on('error', () => refuse(faulty('The body ends before its form does, or is none.')))
    body.on('error', () => refuse(faulty('The body ended early.')))
    body.on('close', () => {
      if (!body.readableEnded) refuse(faulty('The body ended early.'))
    })
    parser.on('finish', () => {
      if (!file) return refuse(faulty(`There is no file called ${form.file}.`))
      file.then(() => resolve(fields), refuse)
    })
    body.pipe(parser)
  })
}

async function takeAll(content: Readable, form: Form): Promise<void> {
  let length = 0
  for await (const chunk of content as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > form.largest) throw tooLarge(form)
    await form.take(chunk)
  }
}

const faulty = (message: string) => new FormFault(message)

const tooLarge = ({ file, largest }: Form) =>
  new FormFault(`The file ${file} is larger than ${largest} bytes, which is the most that is taken.`, {
    isTooLarge: true,
  })
