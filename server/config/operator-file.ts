/** A file that an operator wrote, from the disk to a value with lines. What its members mean is its reader's to know. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { OperatorError } from '../kernel/errors.ts'
import { createFindings, type Findings } from './findings.ts'
import { readYaml, type Yaml } from './yaml.ts'

/** As it was read, by whoever may read it: what is done with it may be done in another process. */
export interface OperatorFile {
  /** What faults and warnings call the file. */
  readonly name: string
  readonly text: string
  /** Where it lies, for what it names beside itself. Left out where it lies nowhere. */
  readonly folder?: string
}

export interface OperatorDocument extends Pick<Yaml, 'value' | 'outline' | 'lineOf'> {
  readonly findings: Findings
}

const MOST_BYTES = 10 * 1024 * 1024

/**
 * @param kind What to call it: `tenant file`.
 * @throws OperatorError when the file cannot be read, is larger than 10 MiB or is not UTF-8.
 */
export function readOperatorFile(kind: string, file: string): OperatorFile {
  const bytes = readBounded(kind, file)
  try {
    return {
      name: basename(file),
      folder: dirname(file),
      text: new TextDecoder('utf-8', { fatal: true }).decode(bytes),
    }
  } catch (error) {
    throw new OperatorError(`The ${kind} ${file} is not UTF-8 text.`, { cause: error })
  }
}

/** What is no YAML has its faults in the findings, and no value worth reading. `outcome` is what faults say above their list. */
export async function parseOperatorFile({ name, text }: OperatorFile, outcome: string): Promise<OperatorDocument> {
  const { value, faults, lineOf, outline } = await readYaml(text)
  // What is no YAML has no members to name a place by: the path is the line itself.
  const findings = createFindings(name, faults.length > 0 ? ([line]) => Number(line) : lineOf, outcome)
  for (const { line, sentence } of faults) findings.fault([line], sentence)
  return { value, outline, lineOf, findings }
}

/** The size is asked of the open file, so that the file read is the file measured. */
function readBounded(kind: string, file: string): Buffer {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const found = fstatSync(descriptor)
    if (found.isDirectory()) throw new OperatorError(`The ${kind} ${file} is a folder; name the YAML file in it.`)
    if (found.size > MOST_BYTES)
      throw new OperatorError(`The ${kind} ${file} is larger than ${MOST_BYTES / 1024 / 1024} MiB.`)
    return readFileSync(descriptor)
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      throw new OperatorError(`The ${kind} ${file} cannot be read: ${error.message}.`, { cause: error })
    throw error
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
