/** The middle of a list, the upper of the two where its length is even. */
export const median = (list: readonly number[]): number =>
  [...list].sort((x, y) => x - y)[Math.floor(list.length / 2)]!;
