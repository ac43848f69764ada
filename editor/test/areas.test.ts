import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, subtract, toBox, toMask, toPolygon, unite, withPixels } from "../src/geometry/areas.ts";
import type { Mask, Polygon, Shape } from "../src/geometry/kinds.ts";
import { partsArea } from "../src/geometry/polygon.ts";
import { rasterOf } from "../src/geometry/raster.ts";
import { countBits } from "./fixtures.ts";

const square = (x: number, y: number, side: number): Shape => ({ type: "rectangle", box: [x, y, x + side, y + side] });
const area = (shape: Shape): number => partsArea(partsOf(shape)!);
const about = (a: number, b: number, reach = 1e-9): void => assert.ok(Math.abs(a - b) <= reach, `${a} is not ${b}`);

test("union and difference", () => {
  const [a, b, apart] = [square(0, 0, 0.4), square(0.2, 0.2, 0.4), square(0.8, 0.8, 0.1)].map((s) => partsOf(s)!);
  about(partsArea(unite([a, b])), 0.28);
  assert.equal(unite([a, b, apart]).length, 2);
  about(partsArea(subtract(a, [b])), 0.12);
  const hole = subtract(a, [partsOf(square(0.1, 0.1, 0.1))!]);
  assert.deepEqual(hole.map((part) => part.length), [2]);
  assert.deepEqual(subtract(a, [partsOf(square(0, 0, 1))!]), []);
});

test("a box becomes a mask, a polygon, and a box again", () => {
  const box = square(0.1, 0.2, 0.5);
  const mask = toMask(box, [200, 100])!;
  assert.deepEqual(mask.box, [20, 20, 100, 50]);
  assert.equal(countBits(rasterOf(mask)), 5000);
  const polygon = toPolygon(mask, { x: 200, y: 100 }) as Polygon;
  assert.equal(polygon.parts[0][0].length, 8);
  about(area(polygon), 0.25);
  assert.deepEqual(toBox(polygon), box);
  assert.equal(toBox({ type: "point", points: [0.5, 0.5] }), null);
  assert.equal(toMask({ type: "point", points: [0.5, 0.5] }, [10, 10]), null);
});

test("a slanted polygon keeps its area through a mask", () => {
  const shape: Shape = { type: "polygon", parts: [[[0.1, 0.1, 0.9, 0.3, 0.7, 0.9, 0.2, 0.6], [0.4, 0.4, 0.6, 0.4, 0.5, 0.6]]] };
  const mask = toMask(shape, [800, 600])!;
  about(countBits(rasterOf(mask)) / 480_000, area(shape), 0.002);
  const back = toPolygon(mask, { x: 800, y: 600 }) as Polygon;
  about(area(back), area(shape), 0.003);
  assert.equal(back.parts[0].length, 2);
  assert.ok(back.parts[0][0].length < 60, String(back.parts[0][0].length));
});

test("pixels are added and taken away", () => {
  const size: [number, number] = [100, 100];
  const a = toMask(square(0.1, 0.1, 0.2), size)!;
  const b = toMask(square(0.2, 0.1, 0.2), size)!;
  assert.equal(countBits(rasterOf(withPixels(a, b, 1)!)), 600);
  assert.equal(countBits(rasterOf(withPixels(a, b, 0)!)), 200);
  assert.equal(withPixels(a, a, 0), null);
  assert.equal(countBits(rasterOf(withPixels(null, b, 1) as Mask)), 400);
});
