// What people are used to: undo that shows what it did, points taken back one by one, values that stay what they were.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Polygon } from "../src/geometry/kinds.ts";
import { attributesAt } from "../src/model/track.ts";
import type { Attributes, LabelObject } from "../src/model/document.ts";
import type { Attribute } from "../src/model/work.ts";
import { Driver, H, W, behindGlass, box, px } from "./driver.ts";
import { press, visit } from "./visit.ts";

const boxed = (x: number): LabelObject["shape"] => ({ type: "rectangle", box: [x / W, 100 / H, (x + 100) / W, 200 / H] });
const key = (frame: number, x: number, attributes?: Attributes): NonNullable<LabelObject["keyframes"]>[number] => ({ frame, shape: boxed(x), ...(attributes && { attributes }) });
const ATTRIBUTES: Attribute[] = [
  { name: "state", kind: "text", scope: "object", classes: ["car"] },
  { name: "color", kind: "text", scope: "object", classes: ["car"], mutable: false },
  { name: "hidden", kind: "flag", scope: "object" },
].map((a) => ({ required: false, ...a }) as Attribute);
const values = (o: LabelObject | undefined, ...frames: number[]): unknown[] => frames.map((frame) => attributesAt(o!, frame).state);

test("undo and redo go to where they changed something, and stay where some of it is in sight", async () => {
  const { session } = await visit({ objects: [{ id: 1, class: "car", keyframes: [key(0, 100), key(20, 500)] }] });
  session.selection.set([1]);
  session.frames.go(10);
  press(session, "nudge.right");
  session.frames.go(40);
  press(session, "edit.undo");
  assert.equal(session.frames.now, 10);
  session.frames.go(12);
  press(session, "edit.redo");
  assert.equal(session.frames.now, 12, "the track is moved at frame 12, too");
  session.bench.setTool("rectangle");
  session.frames.go(60);
  session.bench.create(boxed(10)!);
  session.frames.go(3);
  press(session, "edit.undo");
  assert.equal(session.frames.now, 60);
  press(session, "edit.redo");
  assert.deepEqual([session.frames.now, ...session.selection.ids], [60, 2]);
  session.close();
});

const at = (x: number, y: number): { x: number; y: number; shift: false; alt: false; ctrl: false; touch: false } => ({ x: x / W, y: y / H, shift: false, alt: false, ctrl: false, touch: false });

test("undo in the middle of a polygon takes a point back, redo puts it on again; what was given up is brought back once", async () => {
  const { session } = await visit({ frames: 1 });
  const { bench } = session;
  bench.camera.size = bench.camera.size.x > 1 ? bench.camera.size : { x: W, y: H };
  [bench.camera.width, bench.camera.height] = [W, H];
  bench.setTool("polygon");
  const click = (x: number, y: number): void => {
    bench.tool.down(at(x, y));
    bench.tool.up(at(x, y));
  };
  const corners = (): number => (session.store.get(1)!.shape as Polygon).parts[0][0].length / 2;
  for (const [x, y] of [[100, 100], [300, 100], [300, 300], [500, 450]]) click(x, y);
  press(session, "edit.undo");
  press(session, "edit.undo");
  press(session, "edit.redo");
  await session.submit();
  assert.match(session.notice, /half drawn/);
  press(session, "edit.cancel");
  assert.equal(bench.tool.state, "idle");
  bench.setTool("rectangle");
  press(session, "edit.undo");
  assert.deepEqual([bench.toolId, bench.tool.state], ["polygon", "points"]);
  press(session, "edit.finish");
  assert.equal(corners(), 3);
  for (const [x, y] of [[600, 100], [700, 100], [700, 300]]) click(x, y);
  press(session, "edit.cancel");
  press(session, "edit.undo");
  press(session, "edit.cancel");
  press(session, "edit.undo");
  assert.equal(session.store.size, 0, "given up twice: the change before it is undone");
  session.close();
});

test("two fingers in the middle of a shape move the view and leave what is drawn", () => {
  const finger = (n: number): Partial<PointerEvent> => ({ pointerType: "touch", pointerId: n });
  for (const [tool, taps, last] of [["polygon", 3, [100, 300]], ["rectangle", 1, [400, 400]], ["oriented_rectangle", 2, [400, 400]]] as const) {
    const d = new Driver().take(tool);
    const glass = behindGlass(d);
    const tap = (x: number, y: number): void => void glass.send("down", x, y, finger(1)).send("up", x, y, finger(1)).wait(1000);
    for (const [x, y] of [[100, 100], [300, 100], [300, 300]].slice(0, taps)) tap(x, y);
    const { state } = d.bench.tool;
    glass.send("down", 600, 200, finger(1)).send("down", 700, 200, finger(2)).send("move", 750, 200, finger(2)).send("up", 600, 200, finger(1)).send("up", 750, 200, finger(2)).wait(1000);
    assert.deepEqual([d.bench.tool.state, d.objects.length], [state, 0], tool);
    tap(...(last as unknown as [number, number]));
    d.enter();
    assert.equal(d.objects.length, 1, tool);
  }
});

test("the right button asks for the menu where it is clicked, not where it drags; so does a finger that rests on what it may select", async () => {
  const d = new Driver({ objects: [box(1, 100, 100, 300, 200)] }).take("select");
  const glass = behindGlass(d);
  glass.send("down", 200, 100, { button: 2, buttons: 2 }).send("up", 200, 100, { button: 2, buttons: 0 });
  glass.send("down", 200, 100, { button: 2, buttons: 2 }).send("move", 300, 100, { buttons: 2 }).send("up", 300, 100, { button: 2, buttons: 0 });
  assert.deepEqual(d.menus, [[200, 100]]);
  glass.send("down", 300, 150, { pointerType: "touch" });
  await new Promise((resolve) => setTimeout(resolve, 600));
  glass.send("up", 300, 150, { pointerType: "touch" });
  assert.equal(d.menus.length, 2);
  assert.equal(d.bench.tool.state, "idle");
});

test("a joint that is absent can be had back: by Alt click, or dragged to where it is", () => {
  const shape: LabelObject["shape"] = { type: "skeleton", points: [0.2, 0.2, 0.4, 0.4], visibility: [2, 1] };
  const d = new Driver({ objects: [{ id: 1, class: "person", shape }] }).take("select");
  d.bench.select([1]);
  const seen = (): unknown => (d.only.shape as { visibility: number[] }).visibility;
  d.click(400, 200, { alt: true });
  assert.deepEqual(seen(), [2, 0]);
  d.click(400, 200, { alt: true });
  assert.deepEqual(seen(), [2, 2]);
  d.click(400, 200, { alt: true }).click(400, 200, { alt: true }).drag([400, 200], [500, 250]);
  assert.deepEqual(seen(), [2, 2]);
});

test("a turned box stays a rectangle at the picture's border: drawn, turned and resized as far as it goes", () => {
  const right = (d: Driver): void => {
    const points = px((d.only.shape as { points: number[] }).points);
    assert.ok(points.every((v, i) => v >= 0 && v <= (i % 2 ? H : W)), points.join());
    const side = (a: number, b: number): [number, number] => [points[b] - points[a], points[b + 1] - points[a + 1]];
    for (const [a, b, c] of [[0, 2, 4], [2, 4, 6]]) {
      const [[ux, uy], [vx, vy]] = [side(a, b), side(b, c)];
      assert.ok(Math.abs(ux * vx + uy * vy) < 1e-2 * Math.hypot(ux, uy) * Math.hypot(vx, vy), points.join());
    }
  };
  const d = new Driver().take("oriented_rectangle").drag([800, 100], [970, 200]).click(1050, 20);
  right(d);
  d.take("select").bench.select([d.only.id]);
  const [x, y] = px((d.only.shape as { points: number[] }).points);
  d.drag([x, y], [x - 60, y + 250]);
  right(d);
  const p = px((d.only.shape as { points: number[] }).points);
  const [cx, cy] = [(p[0] + p[4]) / 2, (p[1] + p[5]) / 2];
  const [tx, ty] = [(p[0] + p[2]) / 2, (p[1] + p[3]) / 2];
  const far = Math.hypot(tx - cx, ty - cy);
  const before = JSON.stringify(d.only.shape);
  d.drag([tx + (24 * (tx - cx)) / far, ty + (24 * (ty - cy)) / far], [cx, cy + 200]);
  assert.notEqual(JSON.stringify(d.only.shape), before);
  right(d);
});

test("turned boxes are scaled with what is selected beside them, evenly", () => {
  const turned: LabelObject = { id: 2, class: "car", shape: { type: "oriented_rectangle", points: [400 / W, 100 / H, 450 / W, 150 / H, 400 / W, 200 / H, 350 / W, 150 / H] } };
  const d = new Driver({ objects: [{ id: 1, class: "car", shape: boxed(100) }, turned] });
  d.take("select").bench.select([1, 2]);
  d.drag([450, 200], [800, 400]);
  const points = px((d.store.get(2)!.shape as { points: number[] }).points).map(Math.round);
  assert.deepEqual(points, [700, 150, 800, 250, 700, 350, 600, 250]);
  d.drag([800, 400], [450, 400]);
  const [x1, y1, x2, y2, x3, y3] = px((d.store.get(2)!.shape as { points: number[] }).points).map(Math.round);
  assert.deepEqual([x2 - x1, y2 - y1, x3 - x1, y3 - y1], [50, 50, 0, 100]);
});

test("a track of another class keeps the values that this class has, at each frame", async () => {
  const { session } = await visit({ attributes: ATTRIBUTES, objects: [{ id: 1, class: "car", attributes: { color: "red" }, keyframes: [key(0, 100, { state: "parked", hidden: true }), key(9, 200)] }] });
  session.selection.set([1]);
  // Roads take no boxes.
  press(session, "class.3");
  assert.equal(session.store.get(1)!.class, "car");
  session.store.change("user", (draft) => draft.put({ ...session.store.get(1)!, keyframes: [{ frame: 0, shape: { type: "polygon", parts: [[[0, 0, 0.5, 0, 0.5, 0.5]]] }, attributes: { state: "parked", hidden: true } }] }));
  press(session, "class.3");
  const { class: name, attributes, keyframes } = session.store.get(1)!;
  assert.deepEqual([name, attributes, keyframes![0].attributes], ["road", {}, { hidden: true }]);
  session.close();
});

test("values of tracks that are split, swapped, merged and carried stay what they were", async () => {
  const tracks: LabelObject[] = [
    { id: 1, class: "car", attributes: { color: "red" }, keyframes: [key(0, 100), { ...key(4, 120), attributes: { state: "a" } }, key(10, 200), { ...key(20, 300), attributes: { state: "b" } }] },
    { id: 2, class: "car", attributes: { color: "blue" }, keyframes: [key(0, 600, { state: "x" }), { ...key(16, 700), attributes: { state: "y" } }] },
  ];
  const at10 = async (...ids: number[]): Promise<Awaited<ReturnType<typeof visit>>["session"]> => {
    const { session } = await visit({ attributes: ATTRIBUTES, objects: tracks });
    session.frames.go(10);
    session.selection.set(ids);
    return session;
  };
  const split = await at10(1);
  press(split, "track.split");
  assert.deepEqual(values(split.store.get(3), 10, 20), ["a", "b"]);
  const swap = await at10(1, 2);
  press(swap, "track.swap");
  const [one, two] = [swap.store.get(1)!, swap.store.get(2)!];
  // What holds since before is the identity's, what is set later goes along; what never changes is in no keyframe.
  assert.deepEqual([values(one, 9, 10, 16), values(two, 9, 10, 20)], [["a", "a", "y"], ["x", "x", "b"]]);
  assert.ok([one, two].every((o) => o.keyframes!.every((k) => !("color" in (k.attributes ?? {})))));
  const carry = await at10(1);
  carry.frames.go(2);
  press(carry, "track.propagate");
  assert.deepEqual(values(carry.store.get(1), 3, 4, 12, 13, 20), [undefined, undefined, undefined, "a", "b"]);
  const merge = await at10(1, 2);
  press(merge, "track.merge");
  assert.deepEqual(values(merge.store.get(1), 0, 4, 16, 20), [undefined, "a", "y", "b"]);
  for (const s of [split, swap, carry, merge]) s.close();
});

test("a copy has the values of the frame that it was made at; more than the browser stores is kept for this tab", async () => {
  const kept = new Map<string, string>();
  let room = Infinity;
  Object.assign(globalThis, {
    localStorage: {
      getItem: (name: string) => kept.get(name) ?? null,
      removeItem: (name: string) => kept.delete(name),
      setItem: (name: string, text: string) => {
        if (text.length > room) throw new Error("QuotaExceededError");
        kept.set(name, text);
      },
    },
  });
  const { session } = await visit({ attributes: ATTRIBUTES, objects: [{ id: 1, class: "car", attributes: { color: "red" }, keyframes: [key(0, 100), { ...key(4, 120), attributes: { state: "a" } }] }, { id: 2, class: "car", keyframes: [key(0, 700)] }] });
  session.frames.go(6);
  session.selection.set([1]);
  press(session, "edit.copy");
  session.frames.go(30);
  press(session, "edit.paste");
  assert.deepEqual([session.store.get(3)!.attributes, session.store.get(3)!.keyframes![0].frame], [{ color: "red", state: "a" }, 30]);
  room = 10;
  session.selection.set([2]);
  press(session, "edit.copy");
  assert.match(session.notice, /this tab only/);
  press(session, "edit.paste");
  assert.deepEqual(session.store.get(4)!.attributes, {}, "the second copy, not the first");
  session.close();
});

test("deleting means what is seen: a selected track that is not in this frame stays, a whole track is told of", async () => {
  const gone = { frame: 5, outside: true };
  const { session } = await visit({ objects: [{ id: 1, class: "car", keyframes: [key(0, 100), gone] }, { id: 2, class: "car", keyframes: [key(0, 300), key(9, 400)] }] });
  session.selection.set([1]);
  session.frames.go(7);
  press(session, "edit.delete");
  assert.deepEqual([[...session.store.objects].map((o) => o.id), session.notice], [[1, 2], "1 object not in this frame: kept"]);
  session.selection.set([1, 2]);
  press(session, "edit.delete");
  assert.deepEqual([[...session.store.objects].map((o) => o.id), session.notice], [[1], "1 track deleted on all frames; 1 object not in this frame: kept"]);
  session.frames.go(2);
  press(session, "edit.delete");
  assert.deepEqual([...session.store.objects], []);
  session.close();
});
