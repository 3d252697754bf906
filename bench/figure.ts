/** What a bench hands back, and how it is shown. */

export interface Figure {
  readonly name: string
  readonly measured: number
  readonly unit: string
  /** What `measured` has to keep to; null for what is only told. */
  readonly bar: Bar | null
  /** The middle half of what was measured, where it was measured often. */
  readonly spread?: { readonly lower: number; readonly upper: number }
  /** What the figure was made of. */
  readonly detail?: string
}

export type Bar = { readonly under: number } | { readonly atLeast: number }

export function holds({ measured, bar }: Figure): boolean {
  if (bar === null) return true
  return 'under' in bar ? measured < bar.under : measured >= bar.atLeast
}

/** One line a figure, in columns. */
export function renderFigures(figures: readonly Figure[]): string {
  const rows = figures.map(figure => [
    figure.name,
    withUnit(round(figure.measured), figure.unit),
    figure.spread ? `${round(figure.spread.lower)} to ${round(figure.spread.upper)}` : '',
    barOf(figure),
    figure.bar === null ? '' : holds(figure) ? 'holds' : 'MISSED',
    figure.detail ?? '',
  ])
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  return rows
    .map(row =>
      row
        .flatMap((cell, column) => (widths[column] ? [cell.padEnd(widths[column] ?? 0)] : []))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function barOf({ bar, unit }: Figure): string {
  if (bar === null) return ''
  return withUnit('under' in bar ? `under ${bar.under}` : `at least ${bar.atLeast}`, unit)
}

const withUnit = (text: string, unit: string): string => (unit === '' ? text : `${text} ${unit}`)

const round = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0))
