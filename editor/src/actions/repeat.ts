// The objects of the item before, kept for drawing them again: neighbours in a series often show the same things.

import type { LabelObject } from "../model/document.ts";
import { place, seenOf } from "./objects.ts";
import { type Session, count } from "./session.ts";

interface Previous {
  project: string;
  item: string;
  objects: LabelObject[];
}

const KEY = "labelwright.previous";
let previous: Previous | null = null;

/** Keeps what is to be seen now, as far as this tab lives. */
export function remember(s: Session): void {
  const objects = seenOf(s, s.bench.scene.ids);
  if (!objects.length) return;
  previous = { project: s.work.project.uid, item: s.work.item.uid, objects };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(previous));
  } catch {
    // More than the browser stores: it is lost with a reload of the page only.
    sessionStorage.removeItem(KEY);
  }
}

/** Draws the objects of the item before at the same places; classes that are not known here stay out. */
export function repeat(s: Session): void {
  const kept = previous ?? (JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Previous | null);
  const objects = kept?.objects.filter((o) => s.ontology.classes.some((c) => c.name === o.class) && s.ontology.takes(o.class, o.shape!.type)) ?? [];
  if (!kept || kept.item === s.work.item.uid || !objects.length) return s.say("There is no item before this one whose objects could be repeated");
  const before = s.store.size;
  place(s, objects, false);
  if (s.store.size > before) s.say(`${count(s.store.size - before, "object")} of the item before repeated`);
}
