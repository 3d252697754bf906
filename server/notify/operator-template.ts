/**
 * Templates that somebody writes who is not the operator of this machine. They see the variables that they are given
 * and nothing else: no file, no function, no member that is inherited; they run for a moment, on little memory, and
 * what they print is escaped whether they ask for it or not. Which templates there are is said elsewhere.
 */
import type { Liquid, LiquidError } from 'liquidjs'
import { escapeHtml } from '../http/escape-html.ts'
import type { JsonObject } from '../kernel/json.ts'

/** Of Liquid, the tags that open nothing: neither a file nor another template. */
const TAGS = [
  ...['assign', 'capture', 'comment', 'raw', '#', 'liquid', 'echo'],
  ...['if', 'unless', 'case', 'for', 'break', 'continue', 'cycle', 'increment', 'decrement', 'tablerow'],
]

/** Text, numbers, dates and lists. Not `raw`, which would print what a stranger wrote as markup. */
const FILTERS = [
  ...['default', 'append', 'prepend', 'upcase', 'downcase', 'capitalize', 'strip', 'lstrip', 'rstrip', 'squish'],
  ...['strip_html', 'strip_newlines', 'normalize_whitespace', 'truncate', 'truncatewords', 'number_of_words'],
  ...['replace', 'replace_first', 'replace_last', 'remove', 'remove_first', 'remove_last', 'split', 'slice', 'slugify'],
  ...['url_encode', 'url_decode', 'cgi_escape', 'uri_escape', 'json', 'jsonify'],
  ...['abs', 'at_least', 'at_most', 'ceil', 'floor', 'round', 'plus', 'minus', 'times', 'divided_by', 'modulo'],
  ...['join', 'first', 'last', 'reverse', 'sort', 'size', 'map', 'compact', 'concat', 'uniq', 'where', 'to_integer'],
  ...['array_to_sentence_string', 'date', 'date_to_xmlschema', 'date_to_rfc822', 'date_to_string'],
  'date_to_long_string',
]

/** A mail of an agency's template engine, with its pictures as data, is some 50 KiB. */
export const LONGEST_TEMPLATE = 256 * 1024

const LIMITS = {
  parseLimit: LONGEST_TEMPLATE,
  /** In milliseconds; a mail takes one or two. */
  renderLimit: 250,
  /** Of all that a rendering makes, in characters and entries. */
  memoryLimit: 2_000_000,
} as const

/** The sentence is for whoever wrote the template; it holds nothing of the variables. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault'
  /** Counted from one; null for what is wrong with the whole. */
  readonly line: number | null

  constructor(message: string, line: number | null = null) {
    super(message)
    this.line = line
  }
}

export type OutputForm = 'html' | 'text'

const engines = new Map<OutputForm, Promise<Liquid>>()

function engineFor(form: OutputForm): Promise<Liquid> {
  const known = engines.get(form) ?? createEngine(form)
  engines.set(form, known)
  return known
}

async function createEngine(form: OutputForm): Promise<Liquid> {
  const { Liquid } = await import('liquidjs')
  const engine = new Liquid({
    // In the place of files: there are none.
    templates: {},
    ...(form === 'html' && { outputEscape: escapeHtml }),
    ownPropertyOnly: true,
    strictFilters: true,
    ...LIMITS,
  })
  for (const name of Object.keys(engine.tags)) if (!TAGS.includes(name)) delete engine.tags[name]
  for (const name of Object.keys(engine.filters)) if (!FILTERS.includes(name)) delete engine.filters[name]
  // What is asked for here happens at the end, to everything; done twice, people would read "&amp;".
  for (const name of ['escape', 'escape_once', 'xml_escape']) engine.registerFilter(name, (value: unknown) => value)
  return engine
}

/** @throws TemplateFault for a template that does not compile, prints too much or takes too long. */
export async function renderTemplate(source: string, variables: JsonObject, form: OutputForm): Promise<string> {
  if (source.length > LONGEST_TEMPLATE) throw new TemplateFault(`It is longer than ${LONGEST_TEMPLATE / 1024} KiB.`)
  const { LiquidError } = await import('liquidjs')
  try {
    const engine = await engineFor(form)
    // The whole is data: a member of it that is a function, or has one, does not come out of JSON.
    const printed: unknown = await engine.parseAndRender(source, JSON.parse(JSON.stringify(variables)) as object)
    return String(printed)
  } catch (error) {
    if (!LiquidError.is(error)) throw error
    throw new TemplateFault(sentenceOf(error), lineOf(error))
  }
}

const lineOf = ({ token }: LiquidError): number | null => token?.getPosition()[0] ?? null

/** Its first line without the place: the lines after it repeat the template, which the writer has. */
function sentenceOf({ message }: LiquidError): string {
  const [first = ''] = message.split(/\n|, (?:file|line):/, 1)
  return `${first.slice(0, 200)}.`
}
