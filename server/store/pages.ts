/** How much of a list a caller wants, and from where: after the last row it has seen, or past so many. */

export interface Page {
  /** The key of the last row that was seen. */
  readonly after?: string | undefined
  readonly offset?: number | undefined
  readonly limit: number
}

interface Pageable<Query> {
  limit(limit: number): Query & Pageable<Query>
  offset(offset: number): Query
}

/** Of rows that are in order and begin where the page does. */
export const pageOf =
  ({ offset, limit }: Page) =>
  <Query extends Pageable<Query>>(query: Query): Query =>
    offset === undefined ? query.limit(limit) : query.limit(limit).offset(offset)
