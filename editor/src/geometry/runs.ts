// COCO's compressed run lengths: column-major, starting with zeros, in six-bit characters, each run from the third
// on as the difference to the run two before it.

export function decodeRuns(counts: string): number[] {
  const runs: number[] = [];
  let at = 0;
  while (at < counts.length) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      const code = counts.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
      more = (code & 32) !== 0;
      if (!more && code & 16) value |= -1 << shift;
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}

const ascii = new TextDecoder();

export function encodeRuns(runs: number[]): string {
  // Seven characters hold any 32-bit number.
  const text = new Uint8Array(runs.length * 7);
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    let value = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    for (;;) {
      const low = value & 31;
      value >>= 5;
      const last = low & 16 ? value === -1 : value === 0;
      text[at++] = (last ? low : low | 32) + 48;
      if (last) break;
    }
  }
  return ascii.decode(text.subarray(0, at));
}

/** Row-major bytes (0 or 1) of a column-major run list over a `width` x `height` cut-out. */
export function runsToBits(runs: number[], width: number, height: number): Uint8Array {
  const bits = new Uint8Array(width * height);
  let at = 0;
  let set = false;
  for (const run of runs) {
    if (set) {
      let x = Math.floor(at / height);
      let y = at % height;
      for (let n = run; n > 0 && x < width; n--) {
        bits[y * width + x] = 1;
        if (++y === height) [y, x] = [0, x + 1];
      }
    }
    at += run;
    set = !set;
  }
  return bits;
}
