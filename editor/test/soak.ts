// Random work on boxes, masks and tracks against a real server, with everything that can go wrong: saves that never arrive,
// answers that get lost, sessions that end, leases that are given away, tabs that are killed at any moment or asked to let
// another tab go on, and a server that is killed (by whoever runs this, at the line "half-way"). The seed decides all of it.
// Run by tests/editor/test_no_stroke_lost.py: this ends with exit code 1 and a sentence when a stroke is lost.

import { type LabelObject, same } from "../src/model/document.ts";
import type { Save, Saved } from "../src/model/work.ts";
import { maskOfSpans, spansOfParts } from "../src/geometry/spans.ts";
import { Api, ApiError, Offline } from "../src/store/api.ts";
import { MemoryJournal } from "../src/store/journal.ts";
import { finishEarlier, openDocument, type Opened } from "../src/store/open.ts";
import { Seat } from "../src/store/seat.ts";
import type { Transport } from "../src/store/sync.ts";
import { uuid } from "../src/store/uuid.ts";

const [url, key, task, item, seedText, roundsText] = process.argv.slice(2);
let seed = Number(seedText);
const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
const api = new Api(`${url}/api/v1`, { Authorization: `Bearer ${key}` });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The network: sometimes nothing arrives, sometimes only the answer is lost. */
class Network implements Transport {
  broken = true;
  async save(uid: string, body: Save): Promise<Saved> {
    if (this.broken && random(25) === 0) throw new ApiError(401, "signed_out", "Your session has ended", {});
    if (this.broken && random(4) === 0) throw new Offline("never sent");
    const saved = await api.save(uid, body);
    if (this.broken && random(4) === 0) throw new Offline("answer lost");
    return saved;
  }
  document = api.document;
}

/** Each object as the newest stroke on it left it, by the object's own name; null: deleted. It must be just so in the end. */
const wanted = new Map<string, LabelObject | null>();
let strokes = 0;
const video = process.argv[8] === "video";

/** A box, or a mask painted somewhere. */
function shape(): LabelObject["shape"] {
  const [x, y] = [random(60) / 100, random(60) / 100];
  const [w, h] = [(1 + random(30)) / 100, (1 + random(30)) / 100];
  if (random(2)) return { type: "rectangle", box: [x, y, x + w, y + h] };
  return maskOfSpans(spansOfParts([[[x, y, x + w, y, x + w, y + h, x, y + h]]], [200, 100]))!;
}

/** Another outline, or another keyframe of the same kind. */
function redrawn(object: LabelObject): LabelObject {
  if (!object.keyframes) return { ...object, shape: shape() };
  const kind = object.keyframes[0].shape!.type;
  let made = shape();
  while (made!.type !== kind) made = shape();
  const frame = random(12);
  const keyframes = [...object.keyframes.filter((key) => key.frame !== frame), { frame, shape: made }].sort((a, b) => a.frame - b.frame);
  return { ...object, keyframes };
}

function drawn(id: number, attributes: LabelObject["attributes"]): LabelObject {
  return { id, class: "car", ...(video ? { keyframes: [{ frame: random(12), shape: shape() }] } : { shape: shape() }), attributes };
}

function edit(visit: Opened): void {
  const { store } = visit;
  const mine = [...store.objects].filter((o) => o.attributes?.who === "me");
  const target = mine[random(mine.length || 1)];
  const stroke = `stroke ${++strokes}`;
  store.change("user", (draft) => {
    if (!target || random(3) === 0) {
      const name = uuid();
      const object = drawn(store.nextId(), { who: "me", name, stroke });
      draft.put(object);
      wanted.set(name, object);
    } else if (random(5) === 0) {
      draft.delete(target.id);
      wanted.set(String(target.attributes!.name), null);
    } else {
      const object = { ...redrawn(target), attributes: { ...target.attributes, stroke } };
      draft.put(object);
      wanted.set(String(target.attributes!.name), object);
    }
  });
}

/** Somebody else draws on the same item, with ids that this visit may just be using too. */
async function somebodyElse(): Promise<void> {
  const now = await patiently(() => api.document(item));
  const id = Math.max(0, ...now.objects.map((o) => o.id)) + 1;
  const put = [drawn(id, { who: "other", name: uuid() })];
  const save = { base: now.version, save_id: uuid(), put, delete: [] };
  await patiently(() => api.save(item, save));
  wanted.set(String(put[0].attributes!.name), put[0]);
}

/** Again and again until the server answers: it may just have been killed. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      await pause(100);
    }
  }
}

/** The lease is gone: given back behind the editor's back, as an administrator would. Work goes on all the same. */
async function loseLease({ sync }: Opened): Promise<void> {
  if (sync.lease) await patiently(() => api.release(task, sync.lease!)).catch((error: unknown) => void (error instanceof ApiError || fail(String(error))));
}

/** The person signs in again, or takes the task back: what a click in the editor does. */
async function setRight({ sync }: Opened): Promise<void> {
  const { kind } = sync.state;
  if (kind === "lease_lost") sync.lease = (await patiently(() => api.claim(task))).task.lease;
  if (kind === "lease_lost" || kind === "signed_out") sync.retry();
}

/** The tabs of one person: they share the journal, and one of them works. */
const journal = new MemoryJournal();
const network = new Network();
let tab: { seat: Seat; visit: Opened };

/** Opens a tab and works in it: the tab that worked until now is asked to step back, unless it was killed. */
async function openTab(): Promise<void> {
  const seat = new Seat(item);
  const work = await patiently(() => api.claim(task));
  if (!(await seat.take())) {
    await seat.demand();
    if (!(await seat.take())) fail("the other tab keeps the seat");
  }
  const finish = (): Promise<boolean> => finishEarlier(item, network, journal, work.task.lease).catch((error: unknown) => (error instanceof Offline ? false : fail(String(error))));
  while (!(await finish())) await pause(50);
  const visit = await openDocument({ ...work, ...(await patiently(() => api.work(task))) }, network, journal);
  seat.give = async () => {
    // A last stroke while the other tab is already waiting.
    edit(visit);
    if (random(2)) await Promise.race([visit.sync.settled(), pause(random(600))]);
    visit.sync.stop();
  };
  tab = { seat, visit };
}

function killTab(): void {
  tab.visit.sync.stop();
  tab.seat.close();
}

async function main(): Promise<void> {
  await openTab();
  for (let round = 0; round < Number(roundsText); round++) {
    edit(tab.visit);
    if (random(3) === 0) await pause(random(400));
    if (random(6) === 0) await somebodyElse();
    if (random(8) === 0) tab.visit.sync.online();
    if (random(15) === 0) await loseLease(tab.visit);
    if (random(3) === 0) await setRight(tab.visit);
    if (round === Math.floor(Number(roundsText) / 2)) console.log("half-way");
    if (random(9) !== 0) continue;
    // Another tab goes on: this one steps back, or was killed, and only the journal is left of it.
    const before = tab;
    if (random(2)) killTab();
    await openTab();
    before.seat.close();
  }
  const { visit } = tab;
  network.broken = false;
  for (let i = 0; i < 200 && visit.sync.state.kind !== "saved"; i++) {
    visit.sync.online();
    await setRight(visit);
    await pause(50);
  }
  check(visit, (await patiently(() => api.document(item))).objects);
}

function check(visit: Opened, objects: LabelObject[]): void {
  const { state } = visit.sync;
  if (state.kind !== "saved") fail(`ended as ${state.kind}: ${state.detail}`);
  const found = new Map(objects.map((o) => [String(o.attributes?.name), o]));
  for (const [name, last] of wanted) {
    const object = found.get(name);
    if (last === null && object) fail(`${name} was deleted and is back`);
    if (last === null) continue;
    if (!object) fail(`${name} is gone; its last stroke was ${String(last.attributes!.stroke)}`);
    // Its number may have been given to another meanwhile; all else is as it was drawn.
    if (!same({ ...object, id: 0 }, { ...last, id: 0 })) fail(`${name} has ${String(object!.attributes!.stroke)}: ${JSON.stringify(object)}, not ${JSON.stringify(last)}`);
  }
  if (found.size !== objects.length || found.size !== [...wanted.values()].filter((v) => v !== null).length) fail("something is there twice");
  const here = [...visit.store.objects].sort((a, b) => a.id - b.id);
  if (!same(here, objects.toSorted((a, b) => a.id - b.id))) fail("the editor shows something else than the server has");
  console.log(`${strokes} strokes, ${objects.length} objects, none lost`);
}

function fail(text: string): never {
  console.error(`seed ${seedText}: ${text}`);
  process.exit(1);
}

await main();
process.exit(0);
