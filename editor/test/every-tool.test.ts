// Every tool of the registry in each of its states, left in every way there is: nothing half-done remains. A tool without a
// line here fails, and so does a state that no line reaches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIONS } from "../src/actions/actions.ts";
import type { Session } from "../src/actions/session.ts";
import { rasterOf } from "../src/geometry/raster.ts";
import type { Mask } from "../src/geometry/kinds.ts";
import { PRESETS } from "../src/actions/presets.ts";
import { TOOLS } from "../src/tools/index.ts";
import { Driver, behindGlass, box } from "./driver.ts";
import { countBits } from "./fixtures.ts";

type Reach = (d: Driver) => void | Promise<void>;
const areas = { part: { x1: 0, y1: 0, x2: 1, y2: 1 }, width: 100, height: 50, labels: new Uint16Array(5000) };
const dragging: Reach = (d) => void d.move(500, 100).down(500, 100).move(560, 160);
const corner: Reach = (d) => void d.click(500, 100).move(560, 160);
const asked: Reach = (d) => void d.drag([500, 100], [600, 200]);

/** How each state of each tool is come to, from an empty hand over two boxes. */
const STATES: Record<string, Record<string, Reach>> = {
  select: {
    pressing: (d) => void d.move(150, 150).down(150, 150),
    moving: (d) => void d.move(150, 150).down(150, 150).move(250, 250),
    handle: (d) => void d.click(150, 150).move(200, 200).down(200, 200).move(260, 260),
    group: (d) => void d.drag([50, 50], [450, 250]).move(400, 200).down(400, 200).move(450, 260),
    marquee: (d) => void d.move(700, 300).down(700, 300).move(800, 400),
  },
  pan: {},
  rectangle: { dragging, "second corner": corner },
  oriented_rectangle: { side: (d) => void d.move(500, 100).down(500, 100).move(600, 100), depth: (d) => void d.drag([500, 100], [600, 100]).move(600, 200) },
  polygon: { points: (d) => void d.click(500, 100).click(600, 100).click(600, 200), freehand: (d) => void d.down(500, 100).move(550, 150).move(600, 100) },
  polyline: { points: (d) => void d.click(500, 100).click(600, 100), freehand: (d) => void d.down(500, 100).move(550, 150) },
  reshape: { points: (d) => void drawn(d).take("reshape").click(600, 350).move(650, 350), freehand: (d) => void drawn(d).take("reshape").down(600, 350).move(640, 350).move(660, 360) },
  point: { pressed: (d) => void d.move(500, 100).down(500, 100) },
  landmarks: { points: (d) => void d.click(500, 100).click(600, 100) },
  skeleton: { dragging, "second corner": corner },
  cuboid: { front: (d) => void d.move(500, 100).down(500, 100).move(600, 200), back: (d) => void d.drag([500, 100], [600, 200]).move(650, 150) },
  brush: { painting: dragging, erasing: (d) => void painted(d).take("brush").down(510, 310, { alt: true }).move(540, 340) },
  eraser: { erasing: (d) => void painted(d).take("eraser").down(510, 310).move(540, 340) },
  area: { points: (d) => void d.click(500, 100).click(600, 100).click(600, 200), freehand: (d) => void d.down(500, 100).move(550, 150).move(600, 100) },
  fill: { pressed: (d) => void painted(d).take("fill").down(520, 320) },
  outline: {
    points: (d) => void d.click(500, 100).move(560, 160, { alt: true }),
    looking: (d) => void d.click(500, 100).click(600, 100),
    following: async (d) => {
      d.down(500, 100).move(600, 100);
      await d.help.one("outline").answer([0.5, 0.2, 0.6, 0.2]);
    },
  },
  cutout: { dragging, "second corner": corner, looking: asked },
  superpixels: {
    looking: (d) => void d.move(500, 100),
    painting: (d) => lookedAt(d).then(() => void d.down(500, 100).move(560, 160)),
    erasing: (d) => lookedAt(painted(d).take("superpixels")).then(() => void d.down(520, 320, { alt: true }).move(530, 330)),
  },
  model: { dragging, looking: asked, "second corner": (d) => {
    d.help.models = [{ uid: "m", name: "Finder", asks: ["box"] }];
    return corner(d);
  } },
};

/** A polygon to change, selected. */
const drawn = (d: Driver): Driver => d.take("polygon").click(500, 300).click(600, 300).click(600, 400).click(500, 400).enter();

/** A mask to take from, selected. */
function painted(d: Driver): Driver {
  d.bench.setClass("road");
  return d.take("area").click(500, 300).click(600, 300).click(600, 400).click(500, 400).enter();
}

async function lookedAt(d: Driver): Promise<void> {
  d.click(500, 100);
  await d.help.one("superpixels").answer(areas);
}

/** The commands see a session; these look at nothing else of it. */
const sessionOf = (d: Driver): Session => ({ bench: d.bench, undo: d.undo, selection: d.selection, mayEdit: true, talk: { pinning: false }, follow: { stop: () => false }, prelabel: { stop: () => false } }) as unknown as Session;
const run = (d: Driver, id: string): void => ACTIONS.find((a) => a.id === id)!.run(sessionOf(d));

/** The ways to leave a shape that is not finished. */
const WAYS: Record<string, (d: Driver) => void> = {
  "Escape": (d) => run(d, "edit.cancel"),
  // Point after point, where there are several.
  "undo": (d) => {
    for (let n = 0; n < 9 && d.bench.tool.state !== "idle"; n++) run(d, "edit.undo");
  },
  "another tool": (d) => void d.take(d.bench.toolId === "rectangle" ? "polygon" : "rectangle"),
  "another frame": (d) => d.bench.setFrame(3),
  "a pointer that the system took away": (d) => void d.glass!.send("cancel", 560, 160),
};
/** Those that mean the pointer that is down, if one is. */
const OF_POINTER = ["a pointer that the system took away"];

test("every tool has its states listed", () => {
  assert.deepEqual(Object.keys(STATES).sort(), TOOLS.map((t) => t.id).sort());
});

const sample = (): Driver => new Driver({ video: true, objects: [box(1, 100, 100, 200, 200), box(2, 300, 100, 400, 200)] });
const shown = (d: Driver): string => JSON.stringify(d.objects);

for (const { id, label } of TOOLS) {
  for (const [state, reach] of Object.entries(STATES[id] ?? {})) {
    test(`${label}, ${state}: left in every way without a trace`, async () => {
      for (const [way, leave] of Object.entries(WAYS)) {
        const d = sample();
        d.glass = behindGlass(d);
        if (["brush", "eraser", "area", "fill", "superpixels"].includes(id)) d.bench.setClass("road");
        let previewed = 0;
        d.bench.previewed.on((shapes) => (previewed = shapes.size));
        d.take(id);
        const stop = d.store.size;
        await reach(d);
        assert.equal(d.bench.tool.state, state, `${way}: came to another state`);
        const before = shown(d);
        assert.ok(d.store.size <= stop + 1, "more than the mask to work on was made");
        if (OF_POINTER.includes(way) && !d.held) continue;
        leave(d);
        assert.equal(d.bench.tool.state, "idle", way);
        assert.equal(shown(d), before, `${way} changed the document`);
        assert.equal(previewed, 0, `${way} left a preview`);
        d.up(560, 160);
        for (const one of [...d.help.waiting]) await one.answer({ objects: [{ class: "car", shape: box(0, 1, 1, 9, 9).shape }], refused: [], points: [] });
        assert.equal(shown(d), before, `${way}: what came later changed the document`);
        assert.equal(d.bench.tool.state, "idle", way);
      }
    });
  }
}

test("right and middle button move the view, whatever is in hand, and leave the shape as it is", () => {
  for (const { id } of TOOLS) {
    const d = sample().take(id);
    const glass = behindGlass(d);
    for (const button of [1, 2]) {
      const { left } = d.bench.camera;
      glass.send("down", 300, 300, { button }).send("move", 350, 300).send("up", 350, 300, { button });
      assert.equal(d.bench.camera.left - left, 50, id);
    }
    assert.equal(d.objects.length, 2);
    assert.equal(d.bench.tool.state, "idle");
  }
  const d = sample().take("polygon").click(500, 100).click(600, 100);
  behindGlass(d).send("down", 300, 300, { button: 2 }).send("move", 350, 300).send("up", 350, 300, { button: 2 });
  assert.equal(d.bench.tool.state, "points");
});

const PEN = { pointerType: "pen", pointerId: 7 };
const FINGER = { pointerType: "touch", pointerId: 20 };

test("a second finger takes back what the first one began, in every state", async () => {
  for (const [id, states] of Object.entries(STATES)) {
    for (const [state, reach] of Object.entries(states)) {
      const d = sample();
      const glass = (d.glass = behindGlass(d));
      if (["brush", "eraser", "area", "fill", "superpixels"].includes(id)) d.bench.setClass("road");
      const { send } = glass;
      // All that the tool is told comes from one finger.
      glass.send = (type, x, y, more) => send.call(glass, type, x, y, { ...more, pointerType: "touch" });
      d.take(id);
      await reach(d);
      if (!d.held) continue;
      assert.equal(d.bench.tool.state, state);
      const before = shown(d);
      glass.send("down", 700, 400, { pointerId: 2 });
      assert.equal(d.bench.tool.state, "idle", `${id} ${state}`);
      glass.send("move", 720, 420, { pointerId: 2 }).send("up", 720, 420, { pointerId: 2 }).send("up", 560, 160, {});
      assert.equal(shown(d), before, `${id} ${state}`);
    }
  }
});

const areaOf = (d: Driver): number => d.objects.filter((o) => o.keyframes?.[0].shape?.type === "mask").reduce((sum, o) => sum + countBits(rasterOf(o.keyframes![0].shape as Mask)), 0);

function brush(): { d: Driver; glass: ReturnType<typeof behindGlass> } {
  const d = sample();
  d.bench.setClass("road");
  d.settings.set("brush", 20);
  return { d: d.take("brush"), glass: behindGlass(d) };
}

test("pen: pressure makes the brush thinner, unless that is switched off", () => {
  const stroke = (pressure: number, counts = true): number => {
    const { d, glass } = brush();
    d.settings.set("pressure", counts);
    glass.send("down", 500, 300, { ...PEN, pressure }).send("move", 600, 300, { ...PEN, pressure }).send("up", 600, 300, { ...PEN, pressure: 0 });
    return areaOf(d);
  };
  assert.ok(stroke(1) > 1.5 * stroke(0.4), `${stroke(1)} ${stroke(0.4)}`);
  assert.equal(stroke(0.4, false), stroke(1));
});

test("pen: its other end takes away", () => {
  const { d, glass } = brush();
  glass.send("down", 500, 300, PEN).send("move", 600, 300, PEN).send("up", 600, 300, PEN);
  const before = areaOf(d);
  const eraser = { ...PEN, button: 5, buttons: 32 };
  glass.send("down", 500, 300, eraser);
  assert.equal(d.bench.tool.state, "erasing");
  glass.send("move", 550, 300, { ...eraser, button: -1 }).send("up", 550, 300, eraser);
  assert.ok(areaOf(d) < before - 1000, `${areaOf(d)} of ${before}`);
});

test("pen: once there is one, a finger moves the view; that can be chosen", () => {
  const { d, glass } = brush();
  glass.send("down", 500, 300, FINGER).send("move", 520, 300, FINGER).send("up", 520, 300, FINGER);
  const drawn = areaOf(d);
  assert.ok(drawn > 0);
  glass.send("down", 700, 300, PEN).send("up", 700, 300, PEN).wait(2000);
  const before = areaOf(d);
  const { left } = d.bench.camera;
  glass.send("down", 500, 400, FINGER).send("move", 560, 400, FINGER).send("up", 560, 400, FINGER);
  assert.equal(areaOf(d), before);
  assert.equal(d.bench.camera.left - left, 60);
  d.settings.set("fingers", "draw");
  glass.send("down", 500, 400, FINGER).send("move", 560, 400, FINGER).send("up", 560, 400, FINGER);
  assert.ok(areaOf(d) > before);
});

test("pen: the palm counts for nothing, before, during and just after it", () => {
  const { d, glass } = brush();
  d.settings.set("fingers", "draw");
  // The palm comes first and has begun a stroke when the pen comes down.
  glass.send("down", 800, 450, FINGER).send("move", 805, 450, FINGER);
  glass.send("down", 500, 300, PEN);
  glass.send("move", 810, 450, FINGER).send("down", 820, 440, { ...FINGER, pointerId: 21 });
  glass.send("move", 600, 300, PEN).send("up", 600, 300, PEN);
  glass.send("up", 810, 450, FINGER).send("up", 820, 440, { ...FINGER, pointerId: 21 });
  glass.wait(100).send("down", 800, 450, FINGER).send("move", 850, 450, FINGER).send("up", 850, 450, FINGER);
  const { shape } = d.objects.at(-1)!.keyframes![0];
  assert.equal(d.objects.length, 3);
  assert.ok((shape as Mask).box[0] + (shape as Mask).box[2] < 650, JSON.stringify((shape as Mask).box));
  glass.wait(1000).send("down", 800, 450, FINGER).send("move", 850, 450, FINGER).send("up", 850, 450, FINGER);
  assert.ok((d.objects.at(-1)!.keyframes![0].shape as Mask).box[2] > 250);
});

test("a third finger changes nothing", () => {
  const d = sample().take("rectangle");
  const glass = behindGlass(d);
  for (const n of [0, 1, 2]) glass.send("down", 500 + 50 * n, 300, { ...FINGER, pointerId: n });
  glass.send("move", 650, 400, { ...FINGER, pointerId: 2 });
  for (const n of [0, 1, 2]) glass.send("up", 600 + 50 * n, 400, { ...FINGER, pointerId: n });
  assert.equal(d.objects.length, 2);
  assert.equal(d.bench.tool.state, "idle");
});

test("keys: none means two things, ours and those of other tools; none is one that the page keeps for itself", () => {
  const wrong: string[] = [];
  for (const { name, keys } of [{ name: "ours", keys: {} as Record<string, string[]> }, ...PRESETS]) {
    const owners = new Map<string, string>();
    for (const action of ACTIONS) {
      for (const key of keys[action.id] ?? action.keys) {
        if (key === "Space") wrong.push(`${name}: ${action.id} has Space, which moves the view`);
        const other = owners.get(key);
        // With something selected the arrows move it, else they may do something more.
        if (other && !other.startsWith("nudge.")) wrong.push(`${name}: ${key} is both ${other} and ${action.id}`);
        owners.set(key, action.id);
      }
    }
    for (const id of Object.keys(keys)) if (!ACTIONS.some((a) => a.id === id)) wrong.push(`${name}: no command ${id}`);
  }
  assert.deepEqual(wrong, []);
});
