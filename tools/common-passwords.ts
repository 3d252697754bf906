/** Writes the file of common passwords anew from zxcvbn-ts's list; a unit test notices when it is not of that list any more. */
import { writeFileSync } from 'node:fs'
import { dictionary } from '@zxcvbn-ts/language-common'
import { COMMON_PASSWORDS_FILE, packPasswords } from '../server/identity/common-passwords.ts'

const list = dictionary['passwords-common']
writeFileSync(COMMON_PASSWORDS_FILE, packPasswords(list))
console.log(`${list.length} common passwords are on the list.`)
