// Cases shared with the Python tests.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Raster } from "../src/geometry/raster.ts";

export function fixture<T>(name: string): T[] {
  const path = join(process.cwd(), "tests/fixtures/geometry", `${name}.json`);
  return (JSON.parse(readFileSync(path, "utf8")) as { cases: T[] }).cases;
}

/** Equal, numbers within 1e-9. */
export function close(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number") return Math.abs(a - b) < 1e-9;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => close(v, b[i]));
  if (a && b && typeof a === "object" && typeof b === "object") {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => close((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
  }
  return a === b;
}

/** Number of set pixels. */
export function countBits({ bits }: Raster): number {
  let sum = 0;
  for (let i = 0; i < bits.length; i++) sum += bits[i];
  return sum;
}

/** Column-major run lengths of row-major bytes, beginning with zeros. */
export function bitsToRuns(bits: Uint8Array, width: number, height: number): number[] {
  const runs: number[] = [];
  let last = 0;
  let length = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const bit = bits[y * width + x];
      if (bit !== last) {
        runs.push(length);
        length = 0;
        last = bit;
      }
      length++;
    }
  }
  runs.push(length);
  return runs;
}
