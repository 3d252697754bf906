/** One of the processes that run the files of `tests/` between them. */
import { takeFiles } from './flows.ts'

takeFiles()
