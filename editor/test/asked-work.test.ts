// Work that is asked for and comes by itself: following tracks, and a model that looks at the whole picture. Each state is
// left in every way there is, before its answer, while it is read and after it: nothing remains, and nothing comes later.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Session } from "../src/actions/session.ts";
import type { LabelObject } from "../src/model/document.ts";
import { at } from "../src/model/track.ts";
import type { Rectangle } from "../src/geometry/kinds.ts";
import { maskOfSpans, spansOfParts } from "../src/geometry/spans.ts";
import { H, W } from "./driver.ts";
import { type Given, type Server, press, settled, visit } from "./visit.ts";

const boxAt = (x: number): Rectangle => ({ type: "rectangle", box: [x, 0.1, x + 0.1, 0.2] });
const track = (id: number, x = id / 10, more: Partial<LabelObject> = {}): LabelObject => ({ id, class: "car", keyframes: [{ frame: 0, shape: boxAt(x) }], ...more });
const maskOver = (x1: number, x2: number): LabelObject["shape"] => maskOfSpans(spansOfParts([[[x1, 0.2, x2, 0.2, x2, 0.6, x1, 0.6]]], [W, H]))!;
const shown = (s: Session): string => JSON.stringify([...s.store.objects]);
const startOf = (s: Session, id: number, frame: number): number | undefined => {
  const shape = at(s.store.get(id)!, frame)?.shape as Rectangle | undefined;
  return shape && Math.round(shape.box[0] * 1000) / 1000;
};

/** What the server finds of each track: it moves by 0.001 a frame, from where it was asked about. */
function moved(asked: { frame: number; count: number; objects: { id: number; shape: Rectangle }[] }, lost: Record<number, number> = {}): unknown {
  const end = asked.frame + asked.count;
  const tracks = asked.objects.map(({ id, shape }) => {
    const gone = lost[id] !== undefined && lost[id] <= end ? lost[id] : null;
    const last = gone === null ? end : gone - 1;
    const keys = [...new Set([asked.frame, last])];
    return { id, lost: gone, keyframes: keys.map((frame) => ({ frame, shape: boxAt(shape.box[0] + (frame - asked.frame) / 1000) })) };
  });
  return { reached: end, tracks };
}

const answer = (server: Server, lost: Record<number, number> = {}): Promise<void> => {
  const one = server.one("/help/track");
  return one.answer(moved(one.body as unknown as Parameters<typeof moved>[0], lost));
};

async function begin(t: TestContext, given: Given): Promise<{ session: Session; server: Server }> {
  const found = await visit(given);
  t.after(() => found.session.close());
  return found;
}

interface Work {
  given: Given;
  /** Begins it, and goes on to each of its states. */
  begin(s: Session): void;
  states: Record<string, (server: Server) => Promise<void>>;
  question: string;
  found: unknown;
  busy(s: Session): boolean;
}

const WORK: Record<string, Work> = {
  follow: {
    given: { objects: [track(1), track(2), track(3, 0.5, { locked: true })] },
    begin: (s) => {
      s.selection.set([1, 2, 3]);
      press(s, "track.followAll");
    },
    states: { "the first frames": () => settled(), "further frames": (server) => answer(server) },
    question: "/help/track",
    found: { reached: 99, tracks: [1, 2].map((id) => ({ id, lost: null, keyframes: [{ frame: 99, shape: boxAt(0.9) }] })) },
    busy: (s) => s.follow.progress !== null,
  },
  "pre-label": {
    given: { objects: [track(1)] },
    begin: (s) => press(s, "object.prelabel"),
    states: { asked: () => settled() },
    question: "/help/model",
    found: { objects: [{ class: "car", shape: boxAt(0.7) }], refused: [] },
    busy: (s) => s.prelabel.progress !== null,
  },
};

/** The ways to leave it. */
const WAYS: Record<string, (s: Session, server: Server) => void | Promise<void>> = {
  "Escape": (s) => press(s, "edit.cancel"),
  "the button": (s) => void (s.follow.stop() || s.prelabel.stop()),
  "leaving the task": (s) => s.close(),
  "submitting": async (s, server) => {
    press(s, "task.submit");
    await settled();
    void server.one("/submit");
  },
  "another tab that goes on": (s) => s["stepBack"](),
  "a lease that ends": (s) => s.sync.loseLease("Ola holds this task"),
};

for (const [name, work] of Object.entries(WORK)) {
  for (const [state, reach] of Object.entries(work.states)) {
    for (const [way, leave] of Object.entries(WAYS)) {
      test(`${name}, ${state}: ${way} leaves no trace`, async (t) => {
        for (const late of [true, false]) {
          const { session, server } = await begin(t, work.given);
          const before = shown(session);
          work.begin(session);
          await reach(server);
          assert.ok(work.busy(session), "it is not being asked");
          const { body } = server.one(work.question);
          assert.ok(body, "nothing was asked");
          // Either the answer is being read when it is left, or it comes when all is over.
          const reading = late ? null : server.one(work.question).answer(work.found);
          await leave(session, server);
          await reading;
          for (const one of [...server.waiting]) await one.answer(one.path.endsWith("/submit") ? { next: null } : work.found);
          assert.equal(work.busy(session), false, "it goes on");
          assert.equal(shown(session), before, "the document was changed");
          assert.equal(session.undo.canUndo, false);
          assert.equal(server.saves.length, 0);
        }
      });
    }

    test(`${name}, ${state}: an answer that is none is said, and nothing changes`, async (t) => {
      for (const [fail, said] of [
        [(server: Server) => server.one(work.question).answer({ detail: "Nothing can be seen here." }, 422), /Nothing can be seen here/],
        [(server: Server) => server.one(work.question).fail(), /No answer from the server/],
        [(server: Server) => server.one(work.question).answer("<html>", 502), /answered 502/],
      ] as const) {
        const { session, server } = await begin(t, work.given);
        const before = shown(session);
        work.begin(session);
        await reach(server);
        await fail(server);
        assert.match(session.notice, said);
        assert.equal(work.busy(session), false);
        assert.equal(shown(session), before);
        work.begin(session);
        assert.ok(work.busy(session), "it cannot be asked again");
      }
    });

    test(`${name}, ${state}: asked again, the first answer is not looked at`, async (t) => {
      const { session, server } = await begin(t, work.given);
      const before = shown(session);
      work.begin(session);
      await reach(server);
      const first = server.one(work.question);
      work.begin(session);
      assert.equal(first.aborted, true);
      await first.answer(work.found);
      assert.ok(work.busy(session));
      assert.equal(shown(session), before);
      assert.equal(server.waiting.filter((w) => !w.aborted).length, 1);
    });
  }
}

test("while a task is being sent off nothing is drawn that would come too late; when it is refused, work goes on", async (t) => {
  const { session, server } = await begin(t, { frames: 1 });
  press(session, "task.submit");
  await settled();
  press(session, "task.submit");
  await settled();
  assert.equal(session.bench.create(boxAt(0.1)), null);
  await server.one("/submit").answer({ detail: "Labels are missing", problems: [{ field: "x", message: "Label this", code: "missing" }] }, 422);
  assert.equal(session.dialog, "submit");
  assert.equal(session.bench.create(boxAt(0.1)), 1);
  await session.sync.settled();
  assert.equal(server.saves.length, 1);
});

test("follow: several tracks in stretches, each as far as it is found; one undo takes all of it back", async (t) => {
  const { session, server } = await begin(t, { objects: [track(1), track(2), track(3), { ...track(4), keyframes: [...track(4).keyframes!, { frame: 90, shape: boxAt(0.1) }] }], frames: 51 });
  const before = shown(session);
  session.selection.set([1, 2, 3, 4]);
  press(session, "track.followAll");
  assert.equal(session.follow.progress, "Following: frame 0 of 50");
  assert.deepEqual([server.one("/help/track").body.frame, server.one("/help/track").body.count], [0, 20]);
  await answer(server, { 2: 1, 3: 11 });
  assert.equal(session.follow.progress, "Following: frame 20 of 50");
  assert.deepEqual((server.one("/help/track").body.objects as { id: number }[]).map((o) => o.id), [1, 4], "what is lost is not looked for again");
  await answer(server);
  assert.equal(server.one("/help/track").body.count, 10);
  assert.equal(shown(session), before, "nothing is changed before all is there");
  await answer(server);
  assert.equal(session.follow.progress, null);
  assert.match(session.notice, /3 tracks followed to frame 51; 2 tracks lost, the first in frame 2\. Ctrl Z/);
  assert.deepEqual([startOf(session, 1, 50), startOf(session, 2, 50), startOf(session, 3, 50), startOf(session, 3, 10)], [0.15, 0.2, 0.31, 0.31]);
  assert.equal(session.store.get(4)!.keyframes!.at(-1)!.frame, 90, "keyframes after the last frame looked at stay");
  await session.sync.settled();
  assert.deepEqual(server.saves[0].put.map((o) => o.id), [1, 3, 4]);
  press(session, "edit.undo");
  assert.equal(shown(session), before);
  assert.equal(session.undo.canUndo, false);
  press(session, "edit.redo");
  assert.equal(startOf(session, 1, 50), 0.15);
});

test("follow: what was changed while it was followed is left as it is, the others are not", async (t) => {
  const { session, server } = await begin(t, { objects: [1, 2, 3, 4, 5].map((id) => track(id)), frames: 21 });
  session.selection.set([1, 2, 3, 4, 5]);
  press(session, "track.followAll");
  session.store.change("user", (draft) => {
    draft.put(track(1, 0.8));
    draft.delete(2);
    draft.put({ ...track(3), locked: true });
    draft.put({ ...track(4), attributes: { colour: "red" } });
  });
  const edited = shown(session);
  await answer(server);
  assert.match(session.notice, /2 tracks followed to frame 21; 3 tracks changed meanwhile, so left as they are\. Ctrl Z/);
  assert.deepEqual([startOf(session, 1, 20), startOf(session, 3, 20), startOf(session, 4, 20), startOf(session, 5, 20)], [0.8, 0.3, 0.42, 0.52]);
  assert.deepEqual(session.store.get(4)!.attributes, { colour: "red" });
  press(session, "edit.undo");
  assert.equal(shown(session), edited, "only the following is taken back");
});

test("follow: a track that is not in its first frame any more is left alone", async (t) => {
  const { session, server } = await begin(t, { objects: [track(1), track(2)], frames: 21 });
  session.selection.set([1, 2]);
  press(session, "track.followAll");
  session.store.change("user", (draft) => draft.put({ ...track(1), keyframes: [{ frame: 5, shape: boxAt(0.1) }] }));
  await answer(server);
  assert.match(session.notice, /1 track followed to frame 21; 1 track changed meanwhile, so left as it is/);
  assert.equal(startOf(session, 2, 20), 0.22);
});

test("follow: a new track that the server gave another id is still the one that is followed", async (t) => {
  const { session, server } = await begin(t, { frames: 21 });
  session.store.change("user", (draft) => draft.put(track(1)));
  session.selection.set([1]);
  press(session, "track.followAll");
  server.renamed = { 1: 7 };
  await session.sync.settled();
  assert.deepEqual([...session.store.objects].map((o) => o.id), [7]);
  await answer(server);
  assert.match(session.notice, /1 track followed to frame 21/);
  assert.equal(startOf(session, 7, 20), 0.12);
});

test("follow: nothing found, and nothing to follow, is said", async (t) => {
  const objects = [track(1), { id: 2, class: "car", keyframes: [{ frame: 9, shape: boxAt(0.2) }] }, ...Array.from({ length: 50 }, (_, i) => track(10 + i, 0.3))];
  const { session, server } = await begin(t, { objects, frames: 21 });
  const follow = (ids: number[]): string => {
    session.selection.set(ids);
    press(session, "track.followAll");
    return session.notice;
  };
  assert.equal(follow([2]), "Select tracks that are in this frame");
  assert.match(follow(objects.map((o) => o.id)), /50 tracks at most are followed at once; 51 are selected/);
  session.frames.go(20);
  assert.equal(follow([1]), "This is the last frame");
  session.frames.go(0);
  assert.equal(server.waiting.length, 0);
  follow([1]);
  await answer(server, { 1: 1 });
  assert.equal(session.notice, "Nothing could be followed; 1 track lost, the first in frame 2");
  assert.equal(session.undo.canUndo, false);
  follow([1]);
  await server.one("/help/track").answer({ reached: 0, tracks: [{ id: 1, lost: null, keyframes: [{ frame: 0, shape: boxAt(0.1) }] }] });
  assert.match(session.notice, /Nothing was changed: The server did not get on/);
});

test("follow: goes on while other frames are looked at, and from where it was begun", async (t) => {
  const { session, server } = await begin(t, { objects: [track(1)], frames: 31 });
  session.frames.go(4);
  session.selection.set([1]);
  press(session, "track.follow");
  assert.deepEqual([server.one("/help/track").body.frame, server.one("/help/track").body.count], [4, 20]);
  session.frames.go(12);
  await answer(server);
  assert.deepEqual(session.store.get(1)!.keyframes!.map((k) => k.frame), [0, 4, 24]);
  assert.equal(session.bench.frame, 12);
});

test("following and pre-labeling are not offered to those who only look on, nor without a server that helps", async (t) => {
  const looking = await begin(t, { objects: [track(1)], looking: "Ola holds this task" });
  looking.session.selection.set([1]);
  press(looking.session, "track.followAll");
  assert.equal(looking.session.notice, "You are looking only; nothing can be followed");
  press(looking.session, "object.prelabel");
  assert.equal(looking.server.waiting.length, 0);
  const { session, server } = await begin(t, { objects: [track(1)], help: { tools: [], models: [] } });
  session.selection.set([1]);
  press(session, "track.followAll");
  press(session, "object.prelabel");
  assert.equal(server.waiting.length, 0);
  await session.prelabel.start();
  assert.equal(session.notice, "This project has no model to ask");
});

test("pre-label: what is found becomes objects of a model, in one step of undo", async (t) => {
  const { session, server } = await begin(t, { frames: 1 });
  press(session, "object.prelabel");
  assert.equal(session.prelabel.progress, "Finder is looking at the picture");
  assert.deepEqual(server.one("/help/model").body, { model: "m", ask: "whole", frame: 0 });
  const refused = [{ message: "There is no class 'tree'." }, { message: "Another." }];
  await server.one("/help/model").answer({ objects: [{ class: "car", shape: boxAt(0.1), score: 0.5 }, { class: "car", shape: boxAt(0.3) }], refused });
  assert.equal(session.notice, "Finder found 2 objects; 2 objects refused: There is no class 'tree'. Ctrl Z takes it back");
  assert.deepEqual([...session.store.objects].map((o) => [o.source, o.score]), [["model", 0.5], ["model", null]]);
  assert.deepEqual([...session.selection.ids], [1, 2]);
  press(session, "edit.undo");
  assert.equal(session.store.size, 0);
  press(session, "edit.redo");
  assert.equal(session.store.size, 2);
  press(session, "object.prelabel");
  await server.one("/help/model").answer({ objects: [], refused: [] });
  assert.equal(session.notice, "Finder found 0 objects");
});

test("pre-label: another frame gives the question up; a half-drawn shape stays", async (t) => {
  const { session, server } = await begin(t, { objects: [] });
  session.frames.go(3);
  press(session, "object.prelabel");
  const first = server.one("/help/model");
  assert.equal(first.body.frame, 3);
  session.frames.go(4);
  assert.equal(first.aborted, true);
  assert.equal(session.prelabel.progress, null);
  assert.match(session.notice, /not waited for: this is another frame/);
  session.bench.setTool("polygon");
  const place = (x: number, y: number) => ({ x, y, shift: false, alt: false, ctrl: false, touch: false });
  press(session, "object.prelabel");
  for (const p of [place(0.1, 0.1), place(0.5, 0.1)]) {
    session.bench.tool.down(p);
    session.bench.tool.up(p);
  }
  await server.one("/help/model").answer({ objects: [{ class: "car", shape: boxAt(0.7) }], refused: [] });
  assert.equal(session.bench.tool.state, "points");
  assert.deepEqual([...session.store.objects].map((o) => o.keyframes!.map((k) => k.frame)), [[4]]);
  press(session, "edit.undo");
  assert.equal(session.bench.tool.state, "idle", "first the shape that is being drawn");
  assert.equal(session.store.size, 1);
  press(session, "edit.undo");
  assert.equal(session.store.size, 0);
});

test("pre-label: no more than the job allows, and no pixel twice; what is left out is said", async (t) => {
  const few = await begin(t, { frames: 1, limits: { objects: 2 } });
  press(few.session, "object.prelabel");
  await few.server.one("/help/model").answer({ objects: [0.1, 0.3, 0.5].map((x) => ({ class: "car", shape: boxAt(x) })), refused: [] });
  assert.equal(few.session.store.size, 2);
  assert.match(few.session.notice, /found 2 objects; 1 more than the 2 objects that this job allows/);
  const road = { id: 1, class: "road", shape: maskOver(0.1, 0.5), locked: true };
  const { session, server } = await begin(t, { frames: 1, semantic: true, objects: [road] });
  press(session, "object.prelabel");
  await server.one("/help/model").answer({ objects: [maskOver(0.2, 0.4), maskOver(0.3, 0.7), maskOver(0.55, 0.65)].map((shape) => ({ class: "road", shape })), refused: [] });
  assert.match(session.notice, /found 1 object; 2 not taken: other objects have their pixels/);
  assert.deepEqual([...session.store.objects].map((o) => (o.shape as { box: number[] }).box[0]), [100, 500]);
});
