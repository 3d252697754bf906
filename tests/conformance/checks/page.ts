/** What the suite's reviewer looks at: a page of the provider's own, from which nobody is led away. */
import type { Stop } from '../../fixtures/person.ts'

export const isShown = ({ left, html }: Stop): boolean =>
  !left && html.includes('<h1') && !/http-equiv="refresh"/i.test(html)

export const isErrorPage = (stop: Stop): boolean => isShown(stop) && stop.status === 400
