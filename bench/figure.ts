/** What a bench hands back, and how it is shown. */

export interface Figure {
  readonly name: string
  readonly measured: number
  /** What `measured` has to stay under. */
  readonly bar: number
  readonly unit: string
}

export const holds = ({ measured, bar }: Figure): boolean => measured < bar

/** One line a figure, in columns. */
export function renderFigures(figures: readonly Figure[]): string {
  const rows = figures.map(figure => [
    figure.name,
    `${round(figure.measured)} ${figure.unit}`,
    `under ${figure.bar} ${figure.unit}`,
    holds(figure) ? 'holds' : 'MISSED',
  ])
  const widths = [0, 1, 2, 3].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const round = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0))
