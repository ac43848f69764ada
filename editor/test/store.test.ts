import assert from "node:assert/strict";
import { test } from "node:test";
import { same } from "../src/model/document.ts";
import { missing, Ontology } from "../src/model/ontology.ts";
import { ranked } from "../src/ui/search.ts";
import { chordOf } from "../src/actions/keys.ts";
import { Driver, box } from "./driver.ts";

test("equality ignores what the server leaves out", () => {
  assert.ok(same(box(1, 0, 0, 10, 10), box(1, 0, 0, 10, 10, { attributes: {}, locked: false, score: null })));
  assert.ok(!same(box(1, 0, 0, 10, 10), box(1, 0, 0, 10, 11)));
  assert.ok(!same({ a: [1, 2] }, { a: [2, 1] }));
});

test("undo and redo through many changes come back to every state", () => {
  let seed = 11;
  const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
  const d = new Driver({ objects: [box(1, 0, 0, 10, 10), box(2, 20, 20, 40, 40)] });
  const states = [JSON.stringify(sorted(d))];
  for (let i = 0; i < 60; i++) {
    const ids = d.objects.map((o) => o.id);
    const pick = ids[random(ids.length || 1)];
    d.store.change("user", (draft) => {
      if (random(3) === 0 || pick === undefined) draft.put(box(d.store.nextId(), random(100), 0, 200, random(100) + 1));
      else if (random(4) === 0) draft.delete(pick);
      else draft.put({ ...d.store.get(pick)!, attributes: { note: `${i}` } });
    });
    states.push(JSON.stringify(sorted(d)));
  }
  for (let i = states.length - 2; i >= 0; i--) {
    d.undo.undo();
    assert.equal(JSON.stringify(sorted(d)), states[i]);
  }
  for (let i = 1; i < states.length; i++) {
    d.undo.redo();
    assert.equal(JSON.stringify(sorted(d)), states[i]);
  }
});

const sorted = (d: Driver): unknown => d.objects.sort((a, b) => a.id - b.id).map((o) => ({ ...o }));

test("undo never overwrites what somebody else has changed since", () => {
  const d = new Driver({ objects: [box(1, 0, 0, 10, 10), box(2, 20, 20, 40, 40)] });
  d.store.change("user", (draft) => {
    draft.put(box(1, 0, 0, 50, 50));
    draft.put(box(2, 0, 0, 60, 60));
  });
  d.store.change("server", (draft) => draft.put(box(1, 1, 1, 99, 99)));
  d.undo.undo();
  assert.ok(same(d.store.get(1), box(1, 1, 1, 99, 99)));
  assert.ok(same(d.store.get(2), box(2, 20, 20, 40, 40)));
  assert.equal(d.undo.canUndo, false);
});

test("changes with the same key in a row are one step", () => {
  const d = new Driver({ objects: [box(1, 0, 0, 10, 10)] });
  for (const note of ["a", "ab", "abc"]) d.store.change("user", (draft) => draft.put({ ...d.store.get(1)!, attributes: { note } }), "note of 1");
  d.undo.undo();
  assert.ok(same(d.only, box(1, 0, 0, 10, 10)));
});

test("renaming follows into selection and undo", () => {
  const d = new Driver({ objects: [box(1, 0, 0, 10, 10)] });
  d.take("rectangle").drag([100, 100], [200, 200]);
  const id = d.selection.only!;
  d.store.rename(new Map([[id, 40]]));
  d.store.change("server", (draft) => draft.put(box(id, 300, 300, 310, 310)));
  assert.equal(d.selection.only, 40);
  assert.equal(d.store.get(40)!.id, 40);
  d.undo.undo();
  assert.equal(d.store.get(40), undefined);
  assert.ok(d.store.get(id));
  assert.ok(d.store.nextId() > 40);
});

test("what is missing for submitting", () => {
  const job = { uid: "j", name: "", instructions: "", allowed_classes: null, allowed_attributes: null, read_only_attributes: [], limits: { objects: 1, tags: 1 } };
  const attributes = [
    { name: "text", kind: "text" as const, scope: "object" as const, classes: ["car"], required: true },
    { name: "light", kind: "flag" as const, scope: "item" as const, required: true },
    { name: "weather", kind: "text" as const, scope: "frame" as const, required: true },
  ];
  const ontology = new Ontology({ ontology: { classes: [{ name: "car", color: "#000000" }], attributes }, job, task: { stage: "label" } });
  const found = missing(ontology, job.limits, { objects: [box(1, 0, 0, 1, 1), box(2, 0, 0, 1, 1, { attributes: { text: "x" } })] }, 0);
  assert.deepEqual(found.map((m) => [m.object, m.attribute]), [[undefined, "light"], [1, "text"], [undefined, undefined]]);
  assert.deepEqual(missing(ontology, {}, { objects: [], attributes: { light: false } }, 0), []);
  // A track has a required value wherever it is set; frames are asked one by one and lead to the first.
  const track = { ...box(1, 0, 0, 1, 1), shape: null, keyframes: [{ frame: 2, shape: box(1, 0, 0, 1, 1).shape }, { frame: 4, attributes: { text: "x" } }] };
  const inVideo = missing(ontology, {}, { objects: [track], attributes: { light: true }, frames: { "0": { weather: "sun" } } }, 4);
  assert.deepEqual(inVideo.map((m) => [m.frame, m.attribute, m.text]), [[1, "weather", "weather is required for frame 2 and 2 more"]]);
  assert.equal(missing(ontology, { tags: 1 }, { objects: [], attributes: { light: true, other: "x" } }, 0)[0].text, "2 values on the item; this job allows 1");
  const narrowed = new Ontology({ ontology: { classes: [{ name: "car", color: "#000000" }], attributes }, job: { ...job, allowed_attributes: ["text"] }, task: { stage: "label" } });
  assert.deepEqual(missing(narrowed, {}, { objects: [] }, 4), []);
});

test("a job's classes and attributes are all there is to choose; the rest is to be looked at", () => {
  const job = { uid: "j", name: "", instructions: "", allowed_classes: ["car"], allowed_attributes: ["color", "size"], read_only_attributes: ["size"], limits: {} };
  const attributes = ["color", "size", "origin"].map((name) => ({ name, kind: "text" as const, scope: "object" as const, default: "x" }));
  const classes = ["car", "van"].map((name) => ({ name, color: "#000000" }));
  const ontology = new Ontology({ ontology: { classes, attributes }, job, task: { stage: "label" } });
  assert.deepEqual(ontology.classes.map((c) => c.name), ["car"]);
  assert.deepEqual([ontology.allows("car"), ontology.allows("van")], [true, false]);
  assert.deepEqual(ontology.forClass("car").map((a) => [a.name, ontology.readOnly(a)]), [["color", false], ["size", true]]);
  assert.deepEqual(ontology.defaults("car"), { color: "x" });
  const reviewing = new Ontology({ ontology: { classes, attributes }, job, task: { stage: "review" } });
  assert.equal(reviewing.readOnly(attributes[1]), false);
});

test("class search is instant with 5,000 classes and finds the start first", () => {
  const classes = Array.from({ length: 5000 }, (_, i) => `class ${i} of road things`);
  classes.push("road");
  const began = performance.now();
  assert.equal(ranked(classes, "road", (c) => c)[0], "road");
  assert.deepEqual(ranked(classes, "things 4999", (c) => c), ["class 4999 of road things"]);
  assert.ok(performance.now() - began < 200);
});

test("keys by what they type, digits by where they are", () => {
  const key = (key: string, code: string, held = {}): string => chordOf({ key, code, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });
  assert.equal(key("z", "KeyZ", { ctrlKey: true }), "Ctrl+Z");
  assert.equal(key("Z", "KeyY", { metaKey: true, shiftKey: true }), "Ctrl+Shift+Z");
  assert.equal(key("&", "Digit1"), "1");
  assert.equal(key("?", "Slash", { shiftKey: true }), "?");
  assert.equal(key("м", "KeyV"), "V");
  assert.equal(key(" ", "Space"), "Space");
  assert.equal(key("Tab", "Tab", { shiftKey: true }), "Shift+Tab");
});
