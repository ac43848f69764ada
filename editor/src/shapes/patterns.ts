// Fill patterns: in semantic projects each class has one beside its colour, so that colour never stands alone.

/** Cells after which every pattern repeats, across and down. */
export const PERIOD = 24;
/** How much more opaque a pattern is than what is beside it. */
const MORE = 0.3;

type Pattern = (x: number, y: number) => boolean;

const across: Pattern = (_, y) => (y + 7) % 12 < 2;
const upright: Pattern = (x) => (x + 7) % 12 < 2;
const rising: Pattern = (x, y) => (x + y) % PERIOD < 4;
const falling: Pattern = (x, y) => (PERIOD + x - y) % PERIOD < 4;
const dotted: Pattern = (x, y) => [[6, 6], [18, 18]].some(([cx, cy]) => Math.hypot(x + 0.5 - cx, y + 0.5 - cy) < 3.5);

/** By the class's place in the project, over and over. Cells of one screen pixel or a little less. */
const PATTERNS: readonly Pattern[] = [
  () => false,
  rising,
  falling,
  across,
  upright,
  dotted,
  (x, y) => (x + 13) % PERIOD < 2 || (y + 13) % PERIOD < 2,
  (x, y) => rising(x, y) || falling(x, y),
];

export const patternFor = (place: number): number => place % PATTERNS.length;

/** For each cell of a period, row by row, one of two words. */
export function woven(pattern: number, off: number, on: number): Uint32Array {
  return Uint32Array.from({ length: PERIOD * PERIOD }, (_, i) => (PATTERNS[pattern](i % PERIOD, Math.floor(i / PERIOD)) ? on : off));
}

/** The colour as a pixel: RGBA in memory, so little-endian words are ABGR. */
export function word(color: string, opacity: number): number {
  const value = Number.parseInt(color.slice(1, 7), 16);
  return ((Math.round(opacity * 255) << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

/** The fill's two opacities: beside the pattern and on it, told apart whatever the fill is set to. */
export function opacities(opacity: number): [number, number] {
  const on = Math.min(1, opacity + MORE);
  return [Math.min(opacity, on - MORE), on];
}

const swatches = new Map<string, string>();

/** A CSS background that shows the class as its masks look. */
export function swatch(color: string, pattern: number | undefined): string {
  if (!pattern) return color;
  const key = `${color} ${pattern}`;
  let css = swatches.get(key);
  if (!css) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = PERIOD;
    const context = canvas.getContext("2d")!;
    const image = context.createImageData(PERIOD, PERIOD);
    new Uint32Array(image.data.buffer).set(woven(pattern, word(color, 0.5), word(color, 1)));
    context.putImageData(image, 0, 0);
    swatches.set(key, (css = `url(${canvas.toDataURL()}) 50% 50% / 14px`));
  }
  return css;
}
