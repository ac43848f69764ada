import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelObject } from "../src/model/document.ts";
import { changesBetween } from "../src/model/changes.ts";
import { box } from "./driver.ts";

const words = (then: LabelObject[], now: LabelObject[]): [number, string, string[]][] =>
  changesBetween(new Map(then.map((o) => [o.id, o])), now, (name) => name.toUpperCase()).map((c) => [c.id, c.kind, c.words]);

test("differences: new, gone, another class, outline and values", () => {
  const [a, b, c] = [box(1, 0, 0, 9, 9), box(2, 0, 0, 9, 9), box(3, 0, 0, 9, 9, { attributes: { state: "moving", doors: 4 } })];
  const now = [{ ...a, class: "bus" }, box(3, 0, 0, 8, 9, { attributes: { doors: 4, state: "parked" } }), box(4, 0, 0, 9, 9)];
  assert.deepEqual(words([a, b, c], now), [[1, "changed", ["CAR → BUS"]], [2, "gone", ["gone"]], [3, "changed", ["another outline", "state: moving → parked"]], [4, "new", ["new"]]]);
  assert.deepEqual(words([a, b, c], [a, b, { ...c, locked: false }]), []);
});

test("differences: another kind of shape, keyframes, settings", () => {
  const a = box(1, 0, 0, 9, 9);
  assert.deepEqual(words([a], [{ ...a, shape: { type: "point", points: [0, 0] } }]), [[1, "changed", ["rectangle → point"]]]);
  assert.deepEqual(words([a], [{ ...a, locked: true }]), [[1, "changed", ["its settings"]]]);
  const track: LabelObject = { id: 2, class: "car", keyframes: [{ frame: 0, shape: a.shape }, { frame: 9, shape: a.shape }] };
  const moved: LabelObject = { ...track, keyframes: [track.keyframes![0], { frame: 5, shape: a.shape }, { frame: 9, outside: true }] };
  assert.deepEqual(words([track], [moved]), [[2, "changed", ["2 keyframes"]]]);
});
