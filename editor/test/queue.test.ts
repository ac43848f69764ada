import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue } from "../src/editor/queue.ts";

/** A queue whose fetches end when the test says so. */
function held(): { queue: Queue<string>; begun: string[]; end: (one: string, failed?: boolean) => Promise<void> } {
  const begun: string[] = [];
  const ends = new Map<string, (failed: boolean) => void>();
  const queue = new Queue<string>((one) => {
    begun.push(one);
    return new Promise<void>((resolve, reject) => ends.set(one, (failed) => (failed ? reject(new Error("gone")) : resolve())));
  });
  const end = (one: string, failed = false): Promise<void> => {
    ends.get(one)!(failed);
    return new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { queue, begun, end };
}

test("queue: a few at a time, in order, also after a failure", async () => {
  const { queue, begun, end } = held();
  queue.want([..."abcdef"]);
  assert.equal(begun.join(""), "abcd");
  await end("b");
  await end("a", true);
  assert.equal(begun.join(""), "abcdef");
  for (const one of "cdef") await end(one);
  assert.equal(queue.busy, false);
});

test("queue: what is wanted anew replaces what waits; what is on its way is not fetched twice", async () => {
  const { queue, begun, end } = held();
  queue.want([..."abcdef"]);
  queue.want([..."dag"]);
  assert.equal(begun.join(""), "abcd");
  await end("a");
  assert.equal(begun.join(""), "abcdg");
  queue.want(["a"]);
  assert.equal(queue.busy, true);
  await end("b");
  assert.equal(begun.join(""), "abcdga");
});
