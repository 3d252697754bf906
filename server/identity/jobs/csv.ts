/** Tables for spreadsheets (RFC 4180), which take some texts for formulas. */
import type { JsonValue } from '../../kernel/json.ts'

/** A line with its end. What is not text is written as JSON, and nothing as nothing. */
export const csvLine = (cells: readonly (JsonValue | undefined)[]): string => `${cells.map(cell).join(',')}\r\n`

function cell(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return ''
  const text =
    typeof value === 'string' ? harmless(value) : typeof value === 'object' ? JSON.stringify(value) : `${value}`
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** People choose their own names. One that begins as a formula does has an apostrophe before it; numbers of telephones do not. */
const harmless = (text: string): string =>
  /^\s*[=+\-@\t\r|%]/.test(text) && !/^[+-]?[\d\s().-]*$/.test(text) ? `'${text}` : text
