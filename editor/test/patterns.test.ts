// Fill patterns of classes: no two alike, told apart from their ground whatever the fill, and only where they are wanted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { patternOf } from "../src/editor/look.ts";
import { PERIOD, opacities, patternFor, woven, word } from "../src/shapes/patterns.ts";
import { Driver } from "./driver.ts";

const COUNT = 8;
const patterns = Array.from({ length: COUNT }, (_, place) => [...woven(patternFor(place), 0, 1)]);

test("the first class is plain, the next seven have patterns of their own, then they come again", () => {
  assert.ok(patterns[0].every((bit) => bit === 0));
  for (const pattern of patterns.slice(1)) {
    const share = pattern.reduce((sum, bit) => sum + bit, 0) / (PERIOD * PERIOD);
    assert.ok(share > 0.05 && share < 0.4, String(share));
  }
  assert.equal(new Set(patterns.map(String)).size, COUNT);
  // Wherever they begin: none is another one moved.
  const moved = (pattern: number[], by: number): string => String(pattern.map((_, i) => pattern[(i + by) % pattern.length]));
  for (const [i, one] of patterns.entries()) for (const other of patterns.slice(i + 1)) for (let by = 0; by < one.length; by++) assert.notEqual(moved(one, by), String(other));
  assert.deepEqual([8, 9, 15, 16].map(patternFor), [0, 1, 7, 0]);
});

test("a pattern goes on over the borders of its period", () => {
  for (const pattern of patterns) {
    const at = (x: number, y: number): number => pattern[((y + PERIOD) % PERIOD) * PERIOD + ((x + PERIOD) % PERIOD)];
    let lonely = 0;
    for (let y = 0; y < PERIOD; y++) for (let x = 0; x < PERIOD; x++) if (at(x, y) && [-1, 0, 1].every((dy) => [-1, 0, 1].every((dx) => (!dx && !dy) || !at(x + dx, y + dy)))) lonely++;
    assert.equal(lonely, 0);
  }
});

test("pattern and ground are told apart at every fill, and are pixels of the class's own colour", () => {
  for (let fill = 0; fill <= 1; fill += 0.05) {
    const [off, on] = opacities(fill);
    assert.ok(on - off > 0.29 && off >= 0 && on <= 1);
  }
  assert.equal(word("#123456", 1), 0xff563412);
  assert.equal(word("#123456", 0.5), 0x80563412);
});

test("patterns are by class, in semantic projects only, and can be turned off", () => {
  const d = new Driver({ semantic: true });
  const { parts } = d.bench;
  assert.deepEqual(["car", "person", "road", "unknown"].map((name) => patternOf(parts, name)), [0, 1, 2, 3]);
  d.settings.set("patterns", false);
  assert.equal(patternOf(parts, "person"), undefined);
  assert.equal(patternOf(new Driver().bench.parts, "person"), undefined);
});
