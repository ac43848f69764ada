import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mask, Polygon, Rectangle } from "../src/geometry/kinds.ts";
import { rasterOf } from "../src/geometry/raster.ts";
import { TOOLS } from "../src/tools/index.ts";
import { Driver, H, W, box, px } from "./driver.ts";
import { countBits } from "./fixtures.ts";

const boxOf = (d: Driver): number[] => px((d.only.shape as Rectangle).box);

test("what is drawn equals what the server gives back: defaults are left out", () => {
  const d = new Driver().take("rectangle").drag([100, 100], [200, 200]);
  assert.deepEqual(Object.keys(d.only).filter((key) => !["id", "class", "shape", "attributes"].includes(key)), []);
});

test("rectangle: dragged", () => {
  const d = new Driver().take("rectangle").drag([100, 50], [300, 150]);
  assert.deepEqual(boxOf(d), [100, 50, 300, 150]);
  assert.deepEqual([...d.selection.ids], [d.only.id]);
  assert.equal(d.bench.tool.state, "idle");
});

test("rectangle: two clicks, from any corner", () => {
  const d = new Driver().take("rectangle").click(300, 150);
  assert.equal(d.bench.tool.state, "second corner");
  assert.deepEqual(boxOf(d.click(100, 50)), [100, 50, 300, 150]);
});

test("rectangle: Shift keeps it square, Alt draws from the middle", () => {
  assert.deepEqual(boxOf(new Driver().take("rectangle").drag([100, 100], [200, 130], { shift: true })), [100, 100, 200, 200]);
  assert.deepEqual(boxOf(new Driver().take("rectangle").drag([200, 200], [250, 230], { alt: true })), [150, 170, 250, 230]);
});

test("rectangle: stays in the picture; a speck is none", () => {
  assert.deepEqual(boxOf(new Driver().take("rectangle").drag([900, 400], [1500, 900])), [900, 400, 1000, 500]);
  assert.equal(new Driver().take("rectangle").drag([10, 10], [16, 11]).objects.length, 0);
});

test("rectangle: on top of another, started on its very edge", () => {
  const d = new Driver({ objects: [box(1, 100, 100, 300, 300)] }).take("rectangle").drag([150, 150], [250, 250]);
  assert.equal(d.objects.length, 2);
});

test("polygon: clicks outside of the picture that mean the same corner are one point, and no shape if too few remain", () => {
  const d = new Driver().take("polygon").click(100, 100).click(1100, 600).click(1050, 700).click(100, 300).enter();
  assert.deepEqual(px((d.only.shape as Polygon).parts[0][0]), [100, 100, 1000, 500, 100, 300]);
  assert.equal(new Driver().take("polygon").click(100, 100).click(1100, 600).click(1050, 700).enter().objects.length, 0);
});

test("polygon: clicks and Enter; Backspace takes points back", () => {
  const d = new Driver().take("polygon").click(100, 100).click(200, 100).click(250, 300);
  d.bench.tool.back!();
  d.click(200, 200).enter();
  assert.deepEqual(px((d.only.shape as Polygon).parts[0][0]), [100, 100, 200, 100, 200, 200]);
});

test("polygon: closes on its first point and by a double click", () => {
  const closed = new Driver().take("polygon").click(100, 100).click(200, 100).click(200, 200).click(103, 102);
  assert.deepEqual(px((closed.only.shape as Polygon).parts[0][0]), [100, 100, 200, 100, 200, 200]);
  const double = new Driver().take("polygon").click(100, 100).click(200, 100).click(200, 200).click(200, 200);
  double.bench.tool.double!({ x: 0.2, y: 0.4, shift: false, alt: false, ctrl: false, touch: false });
  assert.equal((double.only.shape as Polygon).parts[0][0].length, 6);
});

test("polygon: too few points say so and are kept", () => {
  const d = new Driver().take("polygon").click(100, 100).click(200, 100).enter();
  assert.equal(d.objects.length, 0);
  assert.match(d.said, /At least 3/);
  assert.equal(d.click(200, 200).enter().objects.length, 1);
});

test("polygon: freehand is simplified", () => {
  const d = new Driver().take("polygon").down(100, 100);
  for (let i = 0; i <= 100; i++) d.move(100 + 2 * i, 100);
  for (let i = 0; i <= 100; i++) d.move(300, 100 + 2 * i);
  d.up(300, 300).enter();
  const ring = (d.only.shape as Polygon).parts[0][0];
  assert.ok(ring.length <= 12, String(ring.length));
});

test("polygon: Alt cuts a hole into the selected one, Shift adds a part", () => {
  const d = new Driver().take("polygon").click(100, 100).click(400, 100).click(400, 400).click(100, 400).enter();
  const held = { alt: true };
  d.click(200, 200, held).click(300, 200, held).click(300, 300, held).enter();
  assert.deepEqual((d.only.shape as Polygon).parts.map((p) => p.length), [2]);
  d.click(600, 100, { shift: true }).click(700, 100).click(700, 200).enter();
  assert.deepEqual((d.only.shape as Polygon).parts.map((p) => p.length), [2, 1]);
  d.undo.undo();
  assert.deepEqual((d.only.shape as Polygon).parts.map((p) => p.length), [2]);
});

test("polygon: snaps to a neighbour's vertex, not with Alt", () => {
  const d = new Driver({ objects: [box(1, 100, 100, 300, 300)] }).take("polygon").click(303, 298).click(400, 200).click(400, 400).enter();
  assert.deepEqual(px((d.objects[1].shape as Polygon).parts[0][0]).slice(0, 2), [300, 300]);
  d.settings.set("snap", false);
  d.click(303, 298).click(400, 210).click(400, 410).enter();
  assert.deepEqual(px((d.objects[2].shape as Polygon).parts[0][0]).slice(0, 2), [303, 298]);
});

test("line, landmarks, point", () => {
  const line = new Driver().take("polyline").click(10, 10).click(110, 10).enter();
  assert.deepEqual(line.only.shape, { type: "polyline", points: [0.01, 0.02, 0.11, 0.02] });
  const marks = new Driver().take("landmarks").click(10, 10).click(110, 10).click(210, 60).enter();
  assert.deepEqual((marks.only.shape as { labels: number[] }).labels, [1, 2, 3]);
  assert.deepEqual(new Driver().take("point").click(500, 250).only.shape, { type: "point", points: [0.5, 0.5] });
});

test("skeleton: the class's template in a box; another class is taken when the one in hand has none", () => {
  const d = new Driver().take("skeleton").drag([100, 100], [200, 300]);
  assert.equal(d.only.class, "person");
  const { points, visibility } = d.only.shape as { points: number[]; visibility: number[] };
  assert.deepEqual([px(points), visibility], [[150, 100, 150, 300], [2, 2]]);
});

test("cuboid: front, then back", () => {
  const d = new Driver().take("cuboid").drag([100, 100], [300, 300]);
  assert.equal(d.bench.tool.state, "back");
  d.click(400, 150);
  const points = px((d.only.shape as { points: number[] }).points);
  assert.deepEqual(points.slice(0, 8), [100, 300, 300, 300, 300, 100, 100, 100]);
  assert.deepEqual(points.slice(8), [320, 230, 480, 230, 480, 70, 320, 70]);
});

test("oriented rectangle: a side, then the depth", () => {
  const d = new Driver().take("oriented_rectangle").drag([100, 100], [200, 200]).click(150, 250);
  assert.deepEqual(px((d.only.shape as { points: number[] }).points), [100, 100, 200, 200, 150, 250, 50, 150]);
});

test("brush paints a mask, the eraser takes away, the last pixel deletes", () => {
  const d = new Driver();
  d.settings.set("brush", 10);
  d.bench.setClass("road");
  d.take("brush").drag([100, 100], [200, 100]);
  const mask = d.only.shape as Mask;
  assert.deepEqual(mask.size, [W, H]);
  const area = countBits(rasterOf(mask));
  assert.ok(Math.abs(area - (100 * 20 + Math.PI * 100)) < 60, String(area));
  d.drag([300, 100], [320, 100]);
  assert.equal(d.objects.length, 1);
  assert.ok(countBits(rasterOf(d.only.shape as Mask)) > area);
  d.undo.undo();
  assert.equal(countBits(rasterOf(d.only.shape as Mask)), area);
  d.take("eraser").drag([80, 100], [150, 100]);
  assert.ok(countBits(rasterOf(d.only.shape as Mask)) < area);
  d.settings.set("brush", 400);
  d.drag([80, 100], [350, 100]);
  assert.equal(d.objects.length, 0);
});

test("one class a pixel: painting takes pixels from others, not from locked ones", () => {
  const d = new Driver({ semantic: true });
  const area = (id: number): number => countBits(rasterOf(d.store.get(id)!.shape as Mask));
  d.settings.set("brush", 20);
  d.bench.setClass("road");
  d.take("brush").drag([100, 100], [300, 100]);
  const [first] = d.objects;
  const before = area(first.id);
  d.enter().drag([200, 50], [200, 150]);
  const second = d.objects[1];
  const common = before - area(first.id);
  assert.ok(common > 1200, String(common));
  d.undo.undo();
  assert.equal(area(first.id), before);
  d.undo.redo();
  d.store.change("user", (draft) => draft.put({ ...d.store.get(second.id)!, locked: true }));
  d.selection.set([first.id]);
  const locked = area(second.id);
  d.drag([100, 100], [300, 100]);
  assert.equal(area(second.id), locked);
  assert.equal(area(first.id), before - common);
});

test("lasso adds to a mask, takes away with Alt; fill closes a hole", () => {
  const d = new Driver();
  d.bench.setClass("road");
  const area = (): number => countBits(rasterOf(d.only.shape as Mask));
  d.take("area").click(100, 100).click(300, 100).click(300, 300).click(100, 300).enter();
  assert.equal(area(), 40000);
  d.click(150, 150, { alt: true }).click(250, 150).click(250, 250).click(150, 250).enter();
  assert.equal(area(), 30000);
  d.take("fill").click(200, 200);
  assert.equal(area(), 40000);
  d.undo.undo();
  d.take("area").down(150, 150).move(150, 200).move(150, 250).move(250, 250).move(250, 150).up(160, 150);
  assert.ok(area() > 39000, String(area()));
});

test("select: click, Shift adds, empty place clears", () => {
  const d = new Driver({ objects: [box(1, 100, 100, 200, 200), box(2, 300, 100, 400, 200)] });
  d.click(150, 150);
  assert.deepEqual([...d.selection.ids], [1]);
  d.click(350, 150, { shift: true });
  assert.deepEqual([...d.selection.ids], [1, 2]);
  d.click(800, 400);
  assert.equal(d.selection.ids.size, 0);
});

test("select: the smaller of two on each other, Alt goes below", () => {
  const d = new Driver({ objects: [box(1, 150, 150, 250, 250), box(2, 100, 100, 300, 300)] }).click(200, 200);
  assert.deepEqual([...d.selection.ids], [1]);
  d.click(200, 200, { alt: true });
  assert.deepEqual([...d.selection.ids], [2]);
});

test("select: marquee takes what lies wholly in it", () => {
  const d = new Driver({ objects: [box(1, 100, 100, 200, 200), box(2, 300, 100, 400, 200), box(3, 380, 120, 700, 180)] });
  d.drag([90, 90], [450, 300]);
  assert.deepEqual([...d.selection.ids], [1, 2]);
});

test("select: drag moves, within the picture, as one step of undo", () => {
  const d = new Driver({ objects: [box(1, 100, 100, 200, 200), box(2, 300, 100, 400, 200)] });
  d.click(150, 150).click(350, 150, { shift: true }).drag([350, 150], [1350, 180]);
  assert.deepEqual(px((d.store.get(1)!.shape as Rectangle).box), [700, 130, 800, 230]);
  assert.deepEqual(px((d.store.get(2)!.shape as Rectangle).box), [900, 130, 1000, 230]);
  d.undo.undo();
  assert.deepEqual(px((d.store.get(1)!.shape as Rectangle).box), [100, 100, 200, 200]);
  d.undo.redo();
  assert.deepEqual(px((d.store.get(2)!.shape as Rectangle).box), [900, 130, 1000, 230]);
});

test("select: a handle resizes and may turn over", () => {
  const d = new Driver({ objects: [box(1, 100, 100, 200, 200)] }).click(150, 150).drag([200, 200], [250, 260]);
  assert.deepEqual(boxOf(d), [100, 100, 250, 260]);
  assert.deepEqual(boxOf(d.drag([250, 180], [50, 180])), [50, 100, 100, 260]);
});

test("select: several are resized together", () => {
  const d = new Driver({ objects: [box(1, 100, 100, 200, 200), box(2, 300, 300, 400, 400)] });
  d.drag([50, 50], [500, 450]).drag([400, 400], [250, 250]);
  assert.deepEqual(px((d.store.get(1)!.shape as Rectangle).box), [100, 100, 150, 150]);
  assert.deepEqual(px((d.store.get(2)!.shape as Rectangle).box), [200, 200, 250, 250]);
});

test("select: polygon vertices are moved, added and removed", () => {
  const polygon = { type: "polygon" as const, parts: [[[0.1, 0.2, 0.5, 0.2, 0.5, 0.8, 0.1, 0.8]]] };
  const d = new Driver({ objects: [{ id: 1, class: "car", shape: polygon }] }).click(300, 250);
  const ring = (): number[] => px((d.only.shape as Polygon).parts[0][0]);
  d.drag([100, 100], [50, 60]);
  assert.deepEqual(ring(), [50, 60, 500, 100, 500, 400, 100, 400]);
  d.drag([500, 250], [600, 250]);
  assert.deepEqual(ring(), [50, 60, 500, 100, 600, 250, 500, 400, 100, 400]);
  d.click(600, 250, { alt: true });
  assert.deepEqual(ring(), [50, 60, 500, 100, 500, 400, 100, 400]);
  d.move(50, 60);
  assert.equal(d.bench.tool.back!(), true);
  assert.deepEqual(ring(), [500, 100, 500, 400, 100, 400]);
});

test("select: an oriented rectangle stays one when dragged by a corner, and turns", () => {
  const points = [0.1, 0.2, 0.2, 0.4, 0.15, 0.5, 0.05, 0.3];
  const d = new Driver({ objects: [{ id: 1, class: "car", shape: { type: "oriented_rectangle", points } }] }).click(125, 175);
  d.drag([150, 250], [220, 330]);
  const p = px((d.only.shape as { points: number[] }).points);
  assert.deepEqual(p.slice(0, 2), [100, 100]);
  assert.deepEqual(p.slice(4, 6), [220, 330]);
  const dot = (p[2] - p[0]) * (p[4] - p[2]) + (p[3] - p[1]) * (p[5] - p[3]);
  assert.ok(Math.abs(dot) < 50, String(dot));
  assert.ok(Math.abs(Math.atan2(p[3] - p[1], p[2] - p[0]) - Math.PI / 4) < 0.01);
});

test("select: locked objects stay, and nothing changes for those who only look", () => {
  const locked = new Driver({ objects: [box(1, 100, 100, 200, 200, { locked: true })] }).click(150, 150).drag([150, 150], [400, 300]);
  assert.deepEqual(boxOf(locked), [100, 100, 200, 200]);
  const looking = new Driver({ objects: [box(1, 100, 100, 200, 200)], readOnly: true }).click(150, 150).drag([150, 150], [400, 300]);
  assert.deepEqual(boxOf(looking), [100, 100, 200, 200]);
  assert.equal(looking.take("rectangle").bench.toolId, "select");
});

test("video: drawing makes a track, moving on another frame a keyframe there", () => {
  const d = new Driver({ video: true }).take("rectangle").drag([100, 100], [200, 200]);
  d.bench.setFrame(10);
  d.take("select").click(150, 150).drag([150, 150], [250, 150]);
  assert.deepEqual(d.only.keyframes!.map((k) => [k.frame, px((k.shape as Rectangle).box)]), [[0, [100, 100, 200, 200]], [10, [200, 100, 300, 200]]]);
  d.bench.setFrame(5);
  assert.deepEqual(px((d.bench.shapeOf(d.only.id) as Rectangle).box), [150, 100, 250, 200]);
});

test("limits: no more objects than the job allows", () => {
  const d = new Driver({ limits: { objects: 1 }, objects: [box(1, 100, 100, 200, 200)] }).take("rectangle").drag([300, 300], [400, 400]);
  assert.equal(d.objects.length, 1);
  assert.match(d.said, /allows 1 object/);
});

for (const spec of TOOLS) {
  test(`${spec.label}: cancel at any moment leaves nothing`, () => {
    const objects = [box(1, 100, 100, 400, 400)];
    const steps: ((d: Driver) => void)[] = [
      (d) => d.move(150, 150), (d) => d.down(150, 150), (d) => d.move(220, 190), (d) => d.up(220, 190),
      (d) => d.move(300, 260), (d) => d.down(300, 260), (d) => d.move(330, 290),
    ];
    for (let stop = 1; stop <= steps.length; stop++) {
      const d = new Driver({ objects }).take(spec.id);
      const before = JSON.stringify(d.objects);
      let after = before;
      for (const step of steps.slice(0, stop)) {
        after = JSON.stringify(d.objects);
        step(d);
        if (JSON.stringify(d.objects) !== after) after = JSON.stringify(d.objects);
      }
      d.escape();
      assert.equal(d.bench.tool.state, "idle");
      assert.equal(JSON.stringify(d.objects), after);
      d.up(330, 290);
      assert.equal(JSON.stringify(d.objects), after, "letting go after a cancel changes nothing");
    }
  });
}
