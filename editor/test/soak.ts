// Random work against a real server, with everything that can go wrong with the network: saves that never arrive,
// answers that get lost, tabs that are killed at any moment or asked to let another tab go on. Run by tests/editor/test_no_stroke_lost.py, which checks nothing
// itself: this ends with exit code 1 and a sentence when a stroke is lost.

import { type LabelObject, same } from "../src/model/document.ts";
import type { Save, Saved } from "../src/model/work.ts";
import { Api, Offline } from "../src/store/api.ts";
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
    if (this.broken && random(4) === 0) throw new Offline("never sent");
    const saved = await api.save(uid, body);
    if (this.broken && random(4) === 0) throw new Offline("answer lost");
    return saved;
  }
  document = api.document;
}

/** Unique text on an object says which stroke it was; the newest one on each must survive. */
const wanted = new Map<string, string | null>();
let strokes = 0;

function edit(visit: Opened): void {
  const { store } = visit;
  const mine = [...store.objects].filter((o) => o.attributes?.who === "me");
  const target = mine[random(mine.length || 1)];
  const stroke = `stroke ${++strokes}`;
  store.change("user", (draft) => {
    if (!target || random(3) === 0) {
      const name = uuid();
      draft.put({ id: store.nextId(), class: "car", shape: { type: "rectangle", box: [0.1, 0.1, 0.2, 0.2] }, attributes: { who: "me", name, stroke } });
      wanted.set(name, stroke);
    } else if (random(5) === 0) {
      draft.delete(target.id);
      wanted.set(String(target.attributes!.name), null);
    } else {
      draft.put({ ...target, attributes: { ...target.attributes, stroke } });
      wanted.set(String(target.attributes!.name), stroke);
    }
  });
}

/** Somebody else draws on the same item, with ids that this visit may just be using too. */
async function somebodyElse(): Promise<void> {
  const now = await api.document(item);
  const id = Math.max(0, ...now.objects.map((o) => o.id)) + 1;
  const put: LabelObject[] = [{ id, class: "car", shape: { type: "rectangle", box: [0.5, 0.5, 0.6, 0.6] }, attributes: { who: "other", name: uuid() } }];
  await api.save(item, { base: now.version, save_id: uuid(), put, delete: [] });
  wanted.set(String(put[0].attributes!.name), "other");
}

/** The tabs of one person: they share the journal, and one of them works. */
const journal = new MemoryJournal();
const network = new Network();
let tab: { seat: Seat; visit: Opened };

/** Opens a tab and works in it: the tab that worked until now is asked to step back, unless it was killed. */
async function openTab(): Promise<void> {
  const seat = new Seat(item);
  const work = await api.claim(task);
  if (!(await seat.take())) {
    await seat.demand();
    if (!(await seat.take())) fail("the other tab keeps the seat");
  }
  await finishEarlier(item, network, journal).catch(() => finishEarlier(item, api, journal));
  const visit = await openDocument({ ...work, ...(await api.work(task)) }, network, journal);
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
    await pause(50);
  }
  check(visit, (await api.document(item)).objects);
}

function check(visit: Opened, objects: LabelObject[]): void {
  const { state } = visit.sync;
  if (state.kind !== "saved") fail(`ended as ${state.kind}: ${state.detail}`);
  const found = new Map(objects.map((o) => [String(o.attributes?.name), o]));
  for (const [name, stroke] of wanted) {
    const object = found.get(name);
    if (stroke === null && object) fail(`${name} was deleted and is back`);
    if (stroke === null) continue;
    if (!object) fail(`${name} is gone; its last stroke was ${stroke}`);
    if (stroke !== "other" && object!.attributes!.stroke !== stroke) fail(`${name} has ${String(object!.attributes!.stroke)}, not ${stroke}`);
  }
  if (found.size !== objects.length || found.size !== [...wanted.values()].filter((v) => v !== null).length) fail("something is there twice");
  const here = [...visit.store.objects].sort((a, b) => a.id - b.id);
  if (!same(here, objects.toSorted((a, b) => a.id - b.id))) fail("the editor shows something else than the server has");
  console.log(`${strokes} strokes, ${objects.length} objects, none lost`);
}

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}

await main();
process.exit(0);
