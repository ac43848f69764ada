import assert from "node:assert/strict";
import { test } from "node:test";
import { followed } from "../src/actions/follow.ts";
import { areaAt, areasBetween, rasterOfAreas } from "../src/geometry/areas-map.ts";
import type { Mask, Polygon, Rectangle } from "../src/geometry/kinds.ts";
import { rasterOf } from "../src/geometry/raster.ts";
import { maskOfSpans, spansOfParts } from "../src/geometry/spans.ts";
import { at, attributesAt } from "../src/model/track.ts";
import { Driver, H, W, box, px } from "./driver.ts";
import { countBits } from "./fixtures.ts";

const maskOver = (x1: number, y1: number, x2: number, y2: number): Mask =>
  maskOfSpans(spansOfParts([[[x1 / W, y1 / H, x2 / W, y1 / H, x2 / W, y2 / H, x1 / W, y2 / H]]], [W, H]))!;
const frac = (...flat: number[]): number[] => flat.map((v, i) => v / (i % 2 ? H : W));
const area = (d: Driver): number => countBits(rasterOf(d.only.shape as Mask));

test("smart outline: clicks are joined along the answers, Enter closes", async () => {
  const d = new Driver().take("outline");
  d.click(100, 100);
  assert.equal(d.bench.tool.state, "points");
  d.click(300, 100);
  assert.equal(d.bench.tool.state, "looking");
  await d.help.one("outline").answer(frac(100, 100, 200, 80, 300, 100));
  assert.equal(d.bench.tool.state, "points");
  d.click(300, 300);
  await d.help.one("outline").answer(frac(300, 100, 320, 200, 302, 300));
  d.enter();
  await d.help.one("outline").answer(frac(302, 300, 200, 330, 100, 100));
  assert.deepEqual(px((d.only.shape as Polygon).parts[0][0]), [100, 100, 200, 80, 300, 100, 320, 200, 302, 300, 200, 330]);
  assert.equal(d.bench.tool.state, "idle");
  d.undo.undo();
  assert.equal(d.objects.length, 0);
});

test("smart outline: clicks made while one is looked for wait their turn", async () => {
  const d = new Driver().take("outline").click(100, 100).click(300, 100).click(300, 300);
  await d.help.one("outline").answer(frac(100, 100, 300, 100));
  await d.help.one("outline").answer(frac(300, 100, 300, 300));
  d.click(102, 102);
  await d.help.one("outline").answer(frac(300, 300, 100, 100));
  assert.deepEqual(px((d.only.shape as Polygon).parts[0][0]), [100, 100, 300, 100, 300, 300]);
});

test("smart outline: the way to the pointer is shown, never asked twice at once", async () => {
  const d = new Driver().take("outline").click(100, 100);
  d.move(150, 100).move(160, 100).move(170, 100);
  const [first] = d.help.waiting;
  assert.equal(d.help.waiting.length, 1);
  await first.answer(frac(100, 100, 150, 100));
  assert.deepEqual((d.help.one("outline").args[2] as { x: number }).x, 0.17);
});

test("smart outline: a drag fixes what it has followed", async () => {
  const d = new Driver().take("outline").down(100, 100);
  d.move(150, 100);
  d.move(180, 100);
  assert.equal(d.bench.tool.state, "looking");
  await d.help.one("outline").answer(frac(100, 100, 140, 90, 180, 100));
  assert.equal(d.bench.tool.state, "following");
  d.up(190, 160);
  await d.help.one("outline").answer(frac(180, 100, 190, 160));
  d.enter();
  await d.help.one("outline").answer(frac(190, 160, 100, 100));
  assert.equal((d.only.shape as Polygon).parts[0][0].length, 8);
});

test("smart outline: straight with Alt and where no answer comes", async () => {
  const d = new Driver().take("outline").click(100, 100).click(300, 100, { alt: true });
  assert.equal(d.help.waiting.filter((w) => !w.signal.aborted).length, 0);
  d.click(300, 300);
  await d.help.one("outline").fail("No answer from the server");
  assert.equal(d.said, "No answer from the server");
  d.move(200, 200, { alt: true }).enter();
  assert.deepEqual(px((d.only.shape as Polygon).parts[0][0]), [100, 100, 300, 100, 300, 300]);
});

test("smart outline: Backspace goes back piece by piece, to nothing", async () => {
  const d = new Driver().take("outline").click(100, 100).click(300, 100, { alt: true }).click(300, 300);
  const asked = d.help.one("outline");
  assert.equal(d.bench.tool.back!(), true);
  assert.equal(asked.signal.aborted, true);
  assert.equal(d.bench.tool.state, "points");
  d.bench.tool.back!();
  d.bench.tool.back!();
  assert.equal(d.bench.tool.state, "idle");
  assert.equal(d.bench.tool.back!(), false);
  d.enter();
  d.click(100, 100).enter();
  assert.match(d.said, /2 more places/);
});

test("smart outline: an answer after Esc or another tool is not looked at", async () => {
  const d = new Driver().take("outline").click(100, 100).click(300, 100);
  const asked = d.help.one("outline");
  d.escape();
  assert.equal(asked.signal.aborted, true);
  await asked.answer(frac(100, 100, 300, 100));
  assert.equal(d.bench.tool.state, "idle");
  d.take("outline").click(100, 100).click(300, 100).take("select");
  await d.help.waiting.at(-1)!.answer(frac(100, 100, 300, 100));
  assert.equal(d.objects.length, 0);
});

test("thing in a box: becomes a mask, or a polygon where the class takes no mask", async () => {
  const d = new Driver();
  d.bench.setClass("road");
  d.take("cutout").drag([100, 100], [300, 300]);
  assert.equal(d.bench.tool.state, "looking");
  const asked = d.help.one("cutout");
  assert.equal(asked.args[4], "mask");
  assert.deepEqual(asked.args[1], { x1: 0.1, y1: 0.2, x2: 0.3, y2: 0.6 });
  await asked.answer(maskOver(120, 120, 280, 280));
  assert.equal(area(d), 160 * 160);
  assert.equal(d.only.class, "road");
  assert.equal(d.bench.tool.state, "idle");
  assert.deepEqual([...d.selection.ids], [d.only.id]);
});

test("thing in a box: marks refine what was found, each one step of undo", async () => {
  const d = new Driver();
  d.bench.setClass("road");
  d.take("cutout").drag([100, 100], [300, 300]);
  await d.help.one("cutout").answer(maskOver(120, 120, 280, 280));
  d.click(310, 200, { shift: true });
  const more = d.help.one("cutout");
  assert.deepEqual([more.args[2], (more.args[1] as { x2: number }).x2], [[0.31, 0.4], 0.31]);
  await more.answer(maskOver(120, 120, 312, 280));
  d.click(130, 130, { alt: true });
  assert.deepEqual(d.help.one("cutout").args[3], [0.13, 0.26]);
  await d.help.one("cutout").answer(maskOver(140, 140, 312, 280));
  assert.equal(area(d), 172 * 140);
  d.undo.undo();
  assert.equal(area(d), 192 * 160);
  d.undo.undo();
  d.undo.undo();
  assert.equal(d.objects.length, 0);
});

test("thing in a box: a refusal is said and leaves nothing; a click without a mark begins a box", async () => {
  const d = new Driver().take("cutout").drag([100, 100], [300, 300]);
  d.down(500, 300);
  assert.match(d.said, /Still looking/);
  await d.help.one("cutout").fail("Nothing stands out in this box");
  assert.match(d.said, /Nothing stands out/);
  assert.equal(d.objects.length, 0);
  d.click(100, 100);
  assert.equal(d.bench.tool.state, "second corner");
  d.escape();
  d.drag([100, 100], [102, 101]);
  assert.equal(d.help.waiting.length, 0);
});

test("thing in a box: Esc gives the question up; another frame does, too", async () => {
  const d = new Driver({ video: true }).take("cutout").drag([100, 100], [300, 300]);
  const asked = d.help.one("cutout");
  assert.equal(d.bench.tool.cancel(), true);
  assert.equal(asked.signal.aborted, true);
  d.drag([100, 100], [300, 300]);
  d.bench.setFrame(3);
  await d.help.waiting.at(-1)!.answer(maskOver(1, 1, 9, 9));
  assert.equal(d.objects.length, 0);
});

/** Four areas: the quarters of the picture. */
const quarters = { part: { x1: 0, y1: 0, x2: 1, y2: 1 }, width: 100, height: 50, labels: Uint16Array.from({ length: 5000 }, (_, i) => (i % 100 < 50 ? 0 : 1) + (i < 2500 ? 0 : 2)) };

test("area brush: areas touched are painted whole, with Alt taken away", async () => {
  const d = new Driver();
  d.bench.setClass("road");
  d.take("superpixels").move(100, 100);
  assert.equal(d.bench.tool.state, "looking");
  assert.equal(d.help.one("superpixels").args[2], 24);
  await d.help.one("superpixels").answer(quarters);
  d.down(100, 100).move(600, 100);
  assert.equal(d.bench.tool.state, "painting");
  d.up(600, 100);
  assert.equal(area(d), W * H / 2);
  d.drag([100, 400], [110, 400]);
  assert.equal(area(d), 0.75 * W * H);
  d.drag([100, 100], [110, 100], { alt: true });
  assert.equal(area(d), W * H / 2);
  d.undo.undo();
  assert.equal(area(d), 0.75 * W * H);
  assert.equal(d.help.waiting.length, 0);
});

test("area brush: asks anew for another size, frame or a closer look; what fails is asked again by a click", async () => {
  const d = new Driver({ video: true });
  d.bench.setClass("road");
  d.take("superpixels").move(100, 100);
  await d.help.one("superpixels").answer(quarters);
  d.settings.set("brush", 60);
  d.move(101, 100);
  await d.help.one("superpixels").fail("The server took too long to answer");
  assert.match(d.said, /too long/);
  d.move(102, 100);
  assert.equal(d.help.waiting.length, 0);
  d.click(102, 100);
  await d.help.one("superpixels").answer(quarters);
  d.bench.setFrame(2);
  d.move(103, 100);
  await d.help.one("superpixels").answer(quarters);
  d.bench.camera.zoomAt(100, 100, 4);
  d.move(104, 100);
  const closer = d.help.one("superpixels").args[1] as { x1: number; x2: number };
  assert.ok(closer.x2 - closer.x1 < 0.4, JSON.stringify(closer));
  d.escape();
  assert.equal(d.objects.length, 0);
});

test("area brush: nothing to take from says so; Esc in a stroke leaves nothing", async () => {
  const d = new Driver();
  d.bench.setClass("road");
  d.take("superpixels").move(100, 100);
  await d.help.one("superpixels").answer(quarters);
  d.down(100, 100, { alt: true }).up(100, 100);
  assert.match(d.said, /Select a mask/);
  d.down(100, 100).move(600, 100);
  assert.equal(d.bench.tool.cancel(), true);
  d.up(600, 100);
  assert.equal(d.objects.length, 0);
});

test("areas: at a place, on a way, and as pixels of another grid", () => {
  assert.equal(areaAt(quarters, { x: 0.6, y: 0.6 }), 3);
  assert.equal(areaAt(quarters, { x: 1, y: 0.6 }), null);
  assert.deepEqual(areasBetween(quarters, { x: 0.1, y: 0.1 }, { x: 0.9, y: 0.9 }).sort(), [0, 3]);
  const raster = rasterOfAreas(quarters, new Set([1]), [33, 17]);
  assert.equal(countBits(raster), 17 * 8);
});

test("a model: asked about a box or a point; what it finds is marked as a model's", async () => {
  const d = new Driver().take("model").drag([100, 100], [300, 300]);
  assert.equal(d.bench.tool.state, "looking");
  const asked = d.help.one("model");
  assert.deepEqual(asked.args[1], { ask: "box", frame: 0, box: [0.1, 0.2, 0.3, 0.6], class: "car" });
  await asked.answer({ objects: [{ class: "car", shape: box(0, 110, 110, 290, 290).shape, score: 0.8 }], refused: [] });
  assert.deepEqual([d.only.source, d.only.score, d.only.class], ["model", 0.8, "car"]);
  d.click(500, 300);
  assert.deepEqual((d.help.one("model").args[1] as { point: number[] }).point, [0.5, 0.6]);
  await d.help.one("model").answer({ objects: [], refused: [] });
  assert.match(d.said, /Finder found nothing/);
  d.click(500, 300);
  await d.help.one("model").answer({ objects: [], refused: [{ message: "There is no class 'tree' in this project." }] });
  assert.match(d.said, /no class/);
  d.click(500, 300);
  await d.help.one("model").fail("The model took longer than 10 seconds");
  assert.match(d.said, /longer than 10/);
  d.undo.undo();
  assert.equal(d.objects.length, 0);
});

test("a model: without one the tool cannot be taken; without point questions a click begins a box", () => {
  const d = new Driver();
  d.help.models = [];
  assert.equal(d.take("model").bench.toolId, "select");
  d.help.models = [{ uid: "m", name: "Finder", asks: ["box"] }];
  assert.equal(d.take("model").click(100, 100).bench.tool.state, "second corner");
  d.help.tools = [];
  assert.equal(d.take("cutout").bench.toolId, "model");
});

test("a model's masks share no pixel in semantic projects, nor exceed the job's limit", () => {
  const d = new Driver({ semantic: true, limits: { objects: 2 } });
  const found = [maskOver(100, 100, 300, 300), maskOver(200, 100, 400, 300), maskOver(0, 0, 9, 9)].map((shape) => ({ class: "road", shape }));
  d.bench.take(found);
  assert.deepEqual(d.objects.map((o) => countBits(rasterOf(o.shape as Mask))), [40000, 20000]);
  assert.match(d.said, /allows 2 objects; 1 more/);
  d.undo.undo();
  assert.equal(d.objects.length, 0);
});

test("followed: found keyframes take the place of the track's own; values and what lies outside stay", () => {
  const at_ = (x: number) => ({ type: "rectangle" as const, box: [x, 0.1, x + 0.1, 0.2] as Rectangle["box"] });
  const object = { id: 1, class: "car", keyframes: [{ frame: 0, shape: at_(0) }, { frame: 6, shape: at_(0.6), attributes: { state: "parked" } }, { frame: 20, shape: at_(0.9) }] };
  const found = followed(object, 2, { id: 1, lost: null, keyframes: [{ frame: 5, shape: at_(0.25) }, { frame: 10, shape: at_(0.3) }] });
  assert.deepEqual(found.keyframes!.map((k) => k.frame), [0, 2, 5, 6, 10, 20]);
  assert.ok(Math.abs((at(found, 2)!.shape as Rectangle).box[0] - 0.2) < 1e-9);
  assert.ok(Math.abs((at(found, 6)!.shape as Rectangle).box[0] - 0.26) < 1e-9);
  assert.deepEqual(attributesAt(found, 8), { state: "parked" });
  assert.ok(Math.abs((at(found, 20)!.shape as Rectangle).box[0] - 0.9) < 1e-9);
});
