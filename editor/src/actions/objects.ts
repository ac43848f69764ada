// Changing objects: class, attributes, deleting, copying, hiding, locking, order, tracks.

import type { Shape } from "../geometry/kinds.ts";
import { stayInside, unionAll } from "../geometry/plane.ts";
import type { AttributeValue, Attributes, LabelObject } from "../model/document.ts";
import { withValue } from "../model/document.ts";
import { at, attributesAt, keyAt, withAttribute, withOutside, withoutKey } from "../model/track.ts";
import type { Attribute } from "../model/work.ts";
import { boundsFor, kindLabel, kindOf } from "../shapes/index.ts";
import { type Session, count } from "./session.ts";

const selected = (s: Session): LabelObject[] => [...s.selection.ids].map((id) => s.store.get(id)!).filter((o) => s.bench.editable(o.id));

const shapeAny = (object: LabelObject): Shape | undefined => object.shape ?? object.keyframes?.find((key) => key.shape)?.shape ?? undefined;

/** Takes the class in hand; selected objects become it, as far as it takes their shapes. */
export function setClass(s: Session, name: string): void {
  const objects = selected(s);
  s.bench.setClass(name);
  if (!objects.length) {
    if (s.settings.get("classDraws") && !s.selection.ids.size && !s.bench.toolSpec.kind) s.bench.drawAgain();
    return;
  }
  const fitting = objects.filter((o) => s.ontology.fits(name, shapeAny(o)));
  if (fitting.length < objects.length) {
    const shape = shapeAny(objects.find((o) => !fitting.includes(o))!);
    s.say(`${s.ontology.label(name)} does not take the shape ${kindLabel(shape!.type).toLowerCase()}`);
  }
  s.store.change("user", (draft) => {
    for (const object of fitting) {
      const keyframes = object.keyframes?.map((key) => (key.attributes ? { ...key, attributes: ofClass(s, name, key.attributes) } : key));
      draft.put({ ...object, class: name, ...(keyframes && { keyframes }), attributes: { ...s.ontology.defaults(name), ...ofClass(s, name, object.attributes) } });
    }
  });
}

/** The values that objects of the class can have. */
function ofClass(s: Session, name: string, values: Attributes | undefined): Attributes {
  const known = new Set(s.ontology.forClass(name).map((a) => a.name));
  return Object.fromEntries(Object.entries(values ?? {}).filter(([key]) => known.has(key)));
}

export function setAttribute(s: Session, attribute: Attribute, value: AttributeValue): void {
  const mutable = attribute.mutable !== false;
  const objects = selected(s);
  s.store.change(
    "user",
    (draft) => objects.forEach((o) => draft.put(withAttribute(o, s.bench.frame, attribute.name, value, mutable))),
    `attribute ${attribute.name} of ${[...s.selection.ids].join()}`,
  );
}

export function setItemAttribute(s: Session, name: string, value: AttributeValue): void {
  s.store.change("user", (draft) => draft.setAttributes(withValue(s.store.attributes, name, value)), `item ${name}`);
}

/** The attribute of the item that number keys with Shift answer: the first with options. */
export const question = (s: Session): Attribute | undefined => s.ontology.forItem().find((a) => a.options?.length);

/** Chooses an option of that attribute, or takes it back. */
export function answer(s: Session, index: number): void {
  const asked = question(s)!;
  const option = asked.options![index];
  const now = s.store.attributes[asked.name];
  const many = Array.isArray(now) ? now : [];
  const value = asked.kind !== "many_of" ? (now === option ? null : option) : many.includes(option) ? many.filter((o) => o !== option) : [...many, option];
  setItemAttribute(s, asked.name, value);
  s.say(`${asked.display_name || asked.name}: ${Array.isArray(value) ? value.join(", ") || "nothing" : value ?? "nothing"}`);
}

/** The frames that a value of frames is set on: the chosen range while one is in it, else the present one. */
export function framesInHand(s: Session): [number, number] {
  const { range, now } = s.frames;
  return range && now >= range[0] && now <= range[1] ? range : [now, now];
}

export function setFrameAttribute(s: Session, name: string, value: AttributeValue): void {
  const [first, last] = framesInHand(s);
  const frames = { ...s.store.frames };
  for (let frame = first; frame <= last; frame++) {
    const values = withValue(frames[String(frame)], name, value);
    if (Object.keys(values).length) frames[String(frame)] = values;
    else delete frames[String(frame)];
  }
  s.store.change("user", (draft) => draft.setFrames(frames), `frames ${first} ${last} ${name}`);
}

export function remove(s: Session): void {
  if (!s.bench.tool.back?.()) removeSelected(s);
}

export function removeSelected(s: Session): void {
  const objects = selected(s);
  const kept = s.selection.ids.size - objects.length;
  // A track that is selected still, but not in this frame, is not what one sees and means.
  const seen = objects.filter((o) => !o.keyframes || s.bench.shapeOf(o.id) || !shapeAny(o));
  s.store.change("user", (draft) => seen.forEach((o) => draft.delete(o.id)));
  const tracks = seen.filter((o) => (o.keyframes?.length ?? 0) > 1).length;
  const said = [
    tracks ? `${count(tracks, "track")} deleted on all frames` : "",
    seen.length < objects.length ? `${count(objects.length - seen.length, "object")} not in this frame: kept` : "",
    kept && s.mayEdit ? `${count(kept, "locked object")} kept` : "",
  ].filter(Boolean);
  if (said.length) s.say(said.join("; "));
}

/** What is selected, for those who hear it. */
export function spoken(s: Session): string {
  const { only, ids } = s.selection;
  if (only === null) return ids.size ? `${count(ids.size, "object")} selected` : "Nothing selected";
  const shape = s.bench.shapeOf(only);
  const name = `${s.ontology.label(s.store.get(only)!.class)} ${only}`;
  return shape ? `${name}, ${kindLabel(shape.type).toLowerCase()}, ${kindOf(shape).measure(shape, s.bench.size)}` : `${name}, not in this frame`;
}

const CLIPBOARD = "labelwright.clipboard";
/** What was copied and is more than the browser stores for all tabs. */
let large: string | null = null;

/** What is seen of the objects at this frame, with the values they have there. */
export function seenOf(s: Session, ids: Iterable<number>): LabelObject[] {
  const objects = [...ids].map((id) => s.store.get(id)!);
  return objects.map((o) => ({ ...o, shape: s.bench.shapeOf(o.id), keyframes: undefined, attributes: attributesAt(o, s.bench.frame) })).filter((o) => o.shape);
}

/** Copies what is seen of the selected objects at this frame. */
export function copy(s: Session): void {
  const there = seenOf(s, s.selection.ids);
  if (!there.length) return;
  const text = JSON.stringify({ item: s.work.item.uid, objects: there });
  large = null;
  try {
    localStorage.setItem(CLIPBOARD, text);
  } catch {
    // What was copied before must not be pasted in its place.
    localStorage.removeItem(CLIPBOARD);
    large = text;
  }
  s.say(`${count(there.length, "object")} copied${large ? ", for this tab only" : ""}`);
}

export const hasCopies = (): boolean => large !== null || localStorage.getItem(CLIPBOARD) !== null;

export function cut(s: Session): void {
  copy(s);
  removeSelected(s);
}

/** Puts the copies in; a little aside where the originals are in sight. */
export function paste(s: Session): void {
  const text = localStorage.getItem(CLIPBOARD) ?? large;
  if (!text) return s.say("Nothing has been copied yet");
  const { item, objects } = JSON.parse(text) as { item: string; objects: LabelObject[] };
  place(s, objects, item === s.work.item.uid && objects.some((o) => s.bench.shapeOf(o.id)));
}

export function duplicate(s: Session): void {
  place(s, seenOf(s, s.selection.ids), true);
}

/** Puts copies in as new objects and selects them; `aside`: shifted a little. */
export function place(s: Session, objects: LabelObject[], aside: boolean): void {
  const known = objects.filter((o) => s.ontology.classes.some((c) => c.name === o.class) && s.ontology.fits(o.class, o.shape));
  if (!s.mayEdit) return;
  const unknown = objects.length - known.length;
  if (unknown) s.say(`${count(unknown, "object")} left out: the classes here do not take ${unknown === 1 ? "it" : "them"}`);
  if (!known.length) return;
  const limit = s.work.job.limits?.objects;
  if (limit && s.store.size + known.length > limit) return s.say(`This job allows ${limit} objects`);
  const box = unionAll(known.map((o) => boundsFor(o.shape!)))!;
  const step = aside ? stayInside(box, 12 / s.bench.metric.x, 12 / s.bench.metric.y) : { x: 0, y: 0 };
  const made = known.map(({ shape, class: name, attributes }): LabelObject => {
    const moved = kindOf(shape!).move(shape!, step.x, step.y);
    const put = s.bench.parts.video ? { keyframes: [{ frame: s.bench.frame, shape: moved }] } : { shape: moved };
    return { id: s.store.nextId(), class: name, attributes: ofClass(s, name, attributes), ...put };
  });
  s.bench.insert(made);
  s.selection.set(made.map((o) => o.id));
}

/** Moves the selected objects by picture pixels. */
export function nudge(s: Session, dx: number, dy: number): void {
  const shapes = new Map(selected(s).map((o) => [o.id, s.bench.shapeOf(o.id)] as const).filter((e): e is [number, Shape] => e[1] !== null));
  const box = unionAll([...shapes.values()].map(boundsFor));
  if (!box) return;
  const step = stayInside(box, dx / s.bench.size.x, dy / s.bench.size.y);
  s.bench.update(new Map([...shapes].map(([id, shape]) => [id, kindOf(shape).move(shape, step.x, step.y)])));
}

export function selectAll(s: Session): void {
  s.selection.set([...s.bench.scene.ids].filter((id) => !s.selection.hidden(id)));
}

/** Everything of the selected objects' classes. */
export function selectSameClass(s: Session): void {
  const classes = new Set([...s.selection.ids].map((id) => s.store.get(id)!.class));
  s.selection.set([...s.bench.scene.ids].filter((id) => classes.has(s.store.get(id)!.class)));
}

/** Selects the object after (1) or before (-1) the selected one, in the order of their numbers, and shows it. */
export function stepObject(s: Session, by: 1 | -1): void {
  const ids = [...s.bench.scene.ids].filter((id) => !s.selection.hidden(id)).sort((a, b) => a - b);
  if (!ids.length) return;
  const [first] = s.selection.ids;
  const index = first === undefined ? (by > 0 ? -1 : 0) : ids.indexOf(first);
  const id = ids[(index + by + ids.length) % ids.length];
  s.selection.set([id]);
  bringIntoView(s, id);
}

function bringIntoView(s: Session, id: number): void {
  const shape = s.bench.shapeOf(id);
  if (!shape) return;
  const b = boundsFor(shape);
  const v = s.bench.camera.visible;
  const seen = b.x1 >= v.x1 && b.x2 <= v.x2 && b.y1 >= v.y1 && b.y2 <= v.y2;
  if (!seen) s.bench.camera.zoomTo(b);
}

export function zoomToSelected(s: Session): void {
  const shapes = [...s.selection.ids].map((id) => s.bench.shapeOf(id)).filter((shape) => shape !== null);
  const box = unionAll(shapes.map(boundsFor));
  if (box) s.bench.camera.zoomTo(box);
  else s.bench.camera.fit();
}

export function toggleHidden(s: Session): void {
  const ids = [...s.selection.ids];
  if (ids.length) return s.selection.hide(ids, ids.some((id) => !s.selection.hidden(id)));
  const all = [...s.store.objects].map((o) => o.id);
  s.selection.hide(all, !all.some((id) => s.selection.hidden(id)));
}

export const locked = (s: Session, object: LabelObject): boolean => !!object.locked || s.selection.held(object.id);

/** Locks or unlocks: for reviewers in the document, so that authors leave it as it is; for authors as long as they are here. */
export function toggleLocked(s: Session, ids: Iterable<number> = s.selection.ids): void {
  if (!s.mayEdit) return;
  const objects = [...ids].map((id) => s.store.get(id)!).filter((o) => s.ontology.allows(o.class));
  const lock = objects.some((o) => !locked(s, o));
  if (s.work.can.lock) return void s.store.change("user", (draft) => objects.forEach((o) => draft.put({ ...o, locked: lock })));
  s.selection.hold(objects.map((o) => o.id), lock);
  if (!lock && objects.some((o) => o.locked)) s.say("Locked by those who review; only they unlock it");
}

/** In front of (1) or behind (-1) all others. */
export function reorder(s: Session, direction: 1 | -1): void {
  const orders = [...s.store.objects].map((o) => Number(o.extra?.order ?? 0));
  const order = direction > 0 ? Math.max(0, ...orders) + 1 : Math.min(0, ...orders) - 1;
  s.store.change("user", (draft) => selected(s).forEach((o) => draft.put({ ...o, extra: { ...o.extra, order } })));
}

/** Leaves the picture from this frame on, or is back from here. */
export function toggleOutside(s: Session): void {
  const tracks = selected(s).filter((o) => o.keyframes);
  const outside = tracks.some((o) => at(o, s.bench.frame));
  s.bench.change((draft) => tracks.forEach((o) => draft.put(withOutside(o, s.bench.frame, outside))));
}

/** Fixes the interpolated shape as a keyframe here, or takes the keyframe away. */
export function toggleKeyframe(s: Session): void {
  const { frame } = s.bench;
  s.bench.change((draft) => {
    for (const object of selected(s)) {
      if (!object.keyframes) continue;
      const shape = s.bench.lookAt(object, frame);
      const without = keyAt(object, frame) ? withoutKey(object, frame) : null;
      if (without) draft.put(without);
      else if (!keyAt(object, frame) && shape) draft.put({ ...object, keyframes: [...object.keyframes, { frame, shape }].sort((a, b) => a.frame - b.frame) });
    }
  });
}
