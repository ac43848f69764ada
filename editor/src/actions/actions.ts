// Everything that can be done, with its keys: one list for shortcuts, the help sheet and the command palette.

import { center, unionAll } from "../geometry/plane.ts";
import { same } from "../model/document.ts";
import { changedFrames, differsAt } from "../model/track.ts";
import type { LabelClass } from "../model/work.ts";
import type { Diff } from "../store/store.ts";
import { boundsFor } from "../shapes/index.ts";
import { TOOLS } from "../tools/index.ts";
import { helped } from "../tools/tool.ts";
import * as combine from "./combine.ts";
import * as objects from "./objects.ts";
import { repeat } from "./repeat.ts";
import type { Session } from "./session.ts";
import * as tracks from "./tracks.ts";

export interface Action {
  id: string;
  label: string;
  group: "Tools" | "Edit" | "Objects" | "View" | "Frames" | "Task" | "Review";
  keys: string[];
  /** Left out of help and palette, and not run, where it does not apply. */
  when?(s: Session): boolean;
  run(s: Session): void;
}

const TOOL_KEYS: Record<string, string[]> = {
  select: ["V"], pan: [], rectangle: ["B"], oriented_rectangle: ["O"], polygon: ["P"], polyline: ["L"], reshape: ["Shift+V"], point: ["K"], landmarks: ["J"], skeleton: ["S"], cuboid: ["C"], brush: ["M"], eraser: ["X"], area: ["Shift+M"], fill: ["Shift+F"],
  outline: ["G"], cutout: ["Shift+G"], superpixels: ["Shift+B"], model: ["Shift+O"],
};

const tools: Action[] = TOOLS.map((t) => ({ id: `tool.${t.id}`, label: t.label, group: "Tools", keys: TOOL_KEYS[t.id] ?? [], when: (s) => helped(t, s.bench.help), run: (s) => s.bench.setTool(t.id) }));

const video = (s: Session): boolean => s.work.item.kind === "video";
const semantic = (s: Session): boolean => s.work.project.semantic;
const some = (s: Session): boolean => s.selection.ids.size > 0;
const NUDGES: [string, number, number][] = [["Left", -1, 0], ["Right", 1, 0], ["Up", 0, -1], ["Down", 0, 1]];

const nudges: Action[] = NUDGES.flatMap(([name, dx, dy]): Action[] => [
  { id: `nudge.${name.toLowerCase()}`, label: `Move one pixel ${name.toLowerCase()}`, group: "Edit", keys: [`Arrow${name}`], when: some, run: (s) => objects.nudge(s, dx, dy) },
  { id: `nudge.${name.toLowerCase()}.far`, label: `Move ten pixels ${name.toLowerCase()}`, group: "Edit", keys: [`Shift+Arrow${name}`], when: some, run: (s) => objects.nudge(s, 10 * dx, 10 * dy) },
]);

const classKeys: Action[] = Array.from({ length: 9 }, (_, i) => ({
  id: `class.${i + 1}`, label: `Class ${i + 1}`, group: "Objects", keys: [String(i + 1)], when: (s) => i < s.ontology.classes.length,
  run: (s) => objects.setClass(s, s.ontology.classes[i].name),
}));

/** Shift and a number: classification of the whole item by keyboard. */
const optionKeys: Action[] = Array.from({ length: 9 }, (_, i) => ({
  id: `item.${i + 1}`, label: `Answer ${i + 1} of the item's first question`, group: "Objects", keys: [`Shift+${i + 1}`], when: (s) => s.mayEdit && i < (objects.question(s)?.options?.length ?? 0),
  run: (s) => objects.answer(s, i),
}));

function changeBrush(s: Session, factor: number): void {
  s.settings.set("brush", Math.min(500, Math.max(1, Math.round(s.settings.get("brush") * factor + Math.sign(factor - 1)))));
  s.bench.redraw();
}

const flip = (s: Session, name: "crosshair" | "grid" | "snap" | "gaps" | "patterns"): void => s.settings.set(name, !s.settings.get(name));

export const ACTIONS: readonly Action[] = [
  ...tools,
  { id: "edit.finish", label: "Finish the shape", group: "Edit", keys: ["Enter"], run: (s) => s.bench.tool.finish?.() },
  { id: "edit.cancel", label: "Cancel, then select nothing, then take the select tool", group: "Edit", keys: ["Escape"], run: cancel },
  { id: "edit.undo", label: "Undo", group: "Edit", keys: ["Ctrl+Z"], run: (s) => history(s, "undo") },
  { id: "edit.redo", label: "Redo", group: "Edit", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], run: (s) => history(s, "redo") },
  { id: "tool.again", label: "Draw with the last tool again, or finish the shape", group: "Tools", keys: [], when: (s) => s.mayEdit, run: (s) => s.bench.drawAgain() },
  { id: "edit.copy", label: "Copy", group: "Edit", keys: ["Ctrl+C"], when: some, run: objects.copy },
  { id: "edit.cut", label: "Cut", group: "Edit", keys: ["Ctrl+X"], when: some, run: objects.cut },
  { id: "edit.paste", label: "Paste", group: "Edit", keys: ["Ctrl+V"], run: objects.paste },
  { id: "edit.duplicate", label: "Duplicate", group: "Edit", keys: ["Ctrl+D"], when: some, run: objects.duplicate },
  { id: "edit.repeat", label: "Repeat the objects of the item before", group: "Edit", keys: ["Ctrl+Shift+V"], run: repeat },
  { id: "edit.delete", label: "Delete (the point under the pointer, else the objects)", group: "Edit", keys: ["Delete", "Backspace"], run: objects.remove },
  ...nudges,
  { id: "brush.smaller", label: "Smaller brush", group: "Tools", keys: ["["], run: (s) => changeBrush(s, 0.8) },
  { id: "brush.larger", label: "Larger brush", group: "Tools", keys: ["]"], run: (s) => changeBrush(s, 1.25) },
  { id: "select.all", label: "Select everything", group: "Objects", keys: ["Ctrl+A"], run: objects.selectAll },
  { id: "select.class", label: "Select everything of this class", group: "Objects", keys: ["Ctrl+Shift+A"], when: some, run: objects.selectSameClass },
  { id: "select.next", label: "Next object", group: "Objects", keys: ["Tab"], run: (s) => objects.stepObject(s, 1) },
  { id: "select.previous", label: "Previous object", group: "Objects", keys: ["Shift+Tab"], run: (s) => objects.stepObject(s, -1) },
  { id: "class.search", label: "Search a class", group: "Objects", keys: ["/"], run: (s) => s.open("classes") },
  ...classKeys,
  ...optionKeys,
  { id: "object.hide", label: "Hide or show (everything, when nothing is selected)", group: "Objects", keys: ["H"], run: objects.toggleHidden },
  { id: "object.lock", label: "Lock or unlock", group: "Objects", keys: ["Ctrl+L"], when: some, run: (s) => objects.toggleLocked(s) },
  { id: "object.front", label: "Bring to the front", group: "Objects", keys: ["Ctrl+]"], when: some, run: (s) => objects.reorder(s, 1) },
  { id: "object.back", label: "Send to the back", group: "Objects", keys: ["Ctrl+["], when: some, run: (s) => objects.reorder(s, -1) },
  { id: "object.unite", label: "Unite the selected areas", group: "Objects", keys: ["Ctrl+U"], when: some, run: combine.uniteSelected },
  { id: "object.subtract", label: "Cut the later selected out of the first", group: "Objects", keys: ["Ctrl+Shift+U"], when: some, run: combine.subtractSelected },
  { id: "object.toBox", label: "Change into a box", group: "Objects", keys: [], when: some, run: (s) => combine.convertSelected(s, "rectangle") },
  { id: "object.toPolygon", label: "Change into a polygon", group: "Objects", keys: [], when: some, run: (s) => combine.convertSelected(s, "polygon") },
  { id: "object.toMask", label: "Change into a mask", group: "Objects", keys: [], when: some, run: (s) => combine.convertSelected(s, "mask") },
  { id: "object.group", label: "Group, or take out of the group", group: "Objects", keys: ["Ctrl+G"], when: some, run: combine.toggleGroup },
  { id: "select.group", label: "Select the whole group", group: "Objects", keys: ["Ctrl+Shift+G"], when: some, run: combine.selectGroup },
  { id: "view.in", label: "Zoom in", group: "View", keys: ["+", "="], run: (s) => zoom(s, 1.25) },
  { id: "view.out", label: "Zoom out", group: "View", keys: ["-"], run: (s) => zoom(s, 0.8) },
  { id: "view.fit", label: "Fit the picture", group: "View", keys: ["0"], run: (s) => s.bench.camera.fit() },
  { id: "view.selected", label: "Zoom to the selected", group: "View", keys: ["Z"], run: objects.zoomToSelected },
  { id: "view.crosshair", label: "Crosshair", group: "View", keys: ["Alt+C"], run: (s) => flip(s, "crosshair") },
  { id: "view.grid", label: "Grid", group: "View", keys: ["Alt+G"], run: (s) => flip(s, "grid") },
  { id: "view.snap", label: "Snapping to neighbours", group: "View", keys: ["Alt+S"], run: (s) => flip(s, "snap") },
  { id: "view.gaps", label: "Show pixels without a class", group: "View", keys: ["Alt+U"], when: semantic, run: (s) => flip(s, "gaps") },
  { id: "view.patterns", label: "Patterns of classes", group: "View", keys: ["Alt+P"], when: semantic, run: (s) => flip(s, "patterns") },
  { id: "view.nextGap", label: "Next gap without a class", group: "View", keys: ["Alt+J"], when: semantic, run: (s) => s.nextGap() },
  { id: "view.labels", label: "Names at all objects", group: "View", keys: ["Alt+N"], run: (s) => s.settings.set("names", s.settings.get("names") === "always" ? "near" : "always") },
  { id: "view.panel", label: "Side panel", group: "View", keys: ["\\"], run: (s) => s.settings.set("panel", !s.settings.get("panel")) },
  { id: "view.guide", label: "Instructions and references", group: "View", keys: ["I"], run: (s) => s.openPanel("guide") },
  { id: "view.theme", label: "Light or dark", group: "View", keys: ["Alt+T"], run: (s) => s.settings.set("theme", s.settings.get("theme") === "dark" ? "light" : "dark") },
  { id: "frame.next", label: "Next frame", group: "Frames", keys: ["D"], when: video, run: (s) => s.frames.step(1) },
  { id: "frame.previous", label: "Previous frame", group: "Frames", keys: ["A"], when: video, run: (s) => s.frames.step(-1) },
  { id: "frame.ahead", label: "Ten frames on", group: "Frames", keys: ["Shift+D"], when: video, run: (s) => s.frames.step(10) },
  { id: "frame.back", label: "Ten frames back", group: "Frames", keys: ["Shift+A"], when: video, run: (s) => s.frames.step(-10) },
  { id: "frame.nextKey", label: "Next keyframe", group: "Frames", keys: ["E"], when: video, run: (s) => s.frames.toKey(1) },
  { id: "frame.previousKey", label: "Previous keyframe", group: "Frames", keys: ["Q"], when: video, run: (s) => s.frames.toKey(-1) },
  { id: "frame.play", label: "Play or pause", group: "Frames", keys: ["W"], when: video, run: (s) => s.frames.toggle() },
  { id: "track.key", label: "Set or remove a keyframe here", group: "Frames", keys: ["F"], when: (s) => video(s) && some(s), run: objects.toggleKeyframe },
  { id: "track.outside", label: "Out of the picture from here, or back in it", group: "Frames", keys: ["U"], when: (s) => video(s) && some(s), run: objects.toggleOutside },
  { id: "track.merge", label: "Merge tracks", group: "Frames", keys: ["Ctrl+M"], when: (s) => video(s) && some(s), run: tracks.mergeTracks },
  { id: "track.split", label: "Split the track at this frame", group: "Frames", keys: ["Shift+S"], when: (s) => video(s) && some(s), run: tracks.splitTracks },
  { id: "track.swap", label: "Swap two tracks from here on", group: "Frames", keys: ["Shift+X"], when: (s) => video(s) && some(s), run: tracks.swapTracks },
  { id: "track.cut", label: "End the track before this frame", group: "Frames", keys: ["Shift+Delete"], when: (s) => video(s) && some(s), run: tracks.cutTracks },
  { id: "track.propagate", label: "Carry on for ten frames", group: "Frames", keys: ["Shift+E"], when: (s) => video(s) && some(s), run: (s) => tracks.propagate(s, s.bench.frame + 10) },
  { id: "frame.rangeFirst", label: "A range of frames begins here", group: "Frames", keys: ["Alt+A"], when: video, run: (s) => s.frames.mark("first") },
  { id: "frame.rangeLast", label: "A range of frames ends here", group: "Frames", keys: ["Alt+D"], when: video, run: (s) => s.frames.mark("last") },
  { id: "frame.rangeNone", label: "No range of frames", group: "Frames", keys: [], when: (s) => s.frames.range !== null, run: (s) => s.frames.choose(null) },
  { id: "track.propagateRange", label: "Carry over the chosen range", group: "Frames", keys: ["Alt+E"], when: (s) => video(s) && some(s), run: tracks.propagateRange },
  { id: "track.propagateAll", label: "Carry on to the last frame", group: "Frames", keys: [], when: (s) => video(s) && some(s), run: (s) => tracks.propagate(s, s.frames.count - 1) },
  { id: "track.follow", label: "Follow the selected through the next frames", group: "Frames", keys: ["Shift+T"], when: (s) => video(s) && some(s) && s.bench.help.tools.includes("track"), run: (s) => void s.follow.start(s.bench.frame + s.settings.get("follow")) },
  { id: "track.followAll", label: "Follow the selected to the last frame", group: "Frames", keys: [], when: (s) => video(s) && some(s) && s.bench.help.tools.includes("track"), run: (s) => void s.follow.start(s.frames.count - 1) },
  { id: "model.next", label: "Ask another model", group: "Objects", keys: ["Alt+M"], when: (s) => s.mayEdit && s.bench.help.models.length > 1, run: anotherModel },
  { id: "object.prelabel", label: "Pre-label the picture with a model", group: "Objects", keys: ["Shift+P"], when: (s) => s.mayEdit && s.prelabel.model !== null, run: (s) => void s.prelabel.start() },
  { id: "object.menu", label: "What can be done here (also the right button)", group: "Objects", keys: ["ContextMenu", "Shift+F10"], run: openMenu },
  { id: "task.save", label: "Save now (everything is saved by itself)", group: "Task", keys: ["Ctrl+S"], run: (s) => void s.save() },
  { id: "task.submit", label: "Submit", group: "Task", keys: ["Ctrl+Enter"], when: (s) => s.work.can.submit && !s.reviewing, run: (s) => void s.submit() },
  { id: "task.next", label: "Next task", group: "Task", keys: ["N"], run: (s) => void s.go() },
  { id: "task.skip", label: "Skip with a reason", group: "Task", keys: [], when: (s) => s.mayEdit, run: (s) => s.open("skip") },
  { id: "task.comment", label: "Comment", group: "Task", keys: ["T"], run: (s) => s.showPanel("comments") },
  { id: "task.help", label: "All shortcuts", group: "Task", keys: ["?"], run: (s) => s.open("help") },
  { id: "task.commands", label: "Commands", group: "Task", keys: ["Ctrl+K"], run: (s) => s.open("commands") },
  { id: "review.accept", label: "Accept", group: "Review", keys: ["Y"], when: (s) => s.reviewing, run: (s) => void s.accept() },
  { id: "review.reject", label: "Return to author", group: "Review", keys: ["R"], when: (s) => s.reviewing, run: (s) => s.open("reject") },
];

/** The next of the user's own models is the one that is asked from now on. */
function anotherModel(s: Session): void {
  const { models } = s.bench.help;
  const now = Math.max(0, models.findIndex((m) => m.uid === s.settings.get("model")));
  const next = models[(now + 1) % models.length];
  s.settings.set("model", next.uid);
  s.say(`${next.name} is asked from now on`);
}

/** The menu beside what is selected, else in the middle. */
function openMenu(s: Session): void {
  const { camera } = s.bench;
  const stage = document.querySelector(".stage")?.getBoundingClientRect();
  if (!stage) return;
  const shapes = [...s.selection.ids].map((id) => s.bench.shapeOf(id)).filter((shape) => shape !== null);
  const box = unionAll(shapes.map(boundsFor));
  const place = box ? center(box) : camera.at(camera.width / 2, camera.height / 2);
  const within = (v: number, most: number): number => Math.min(most, Math.max(0, v));
  s.openMenu({ x: stage.left + within(camera.x(place.x), stage.width), y: stage.top + within(camera.y(place.y), stage.height), place, on: box !== null });
}

function cancel(s: Session): void {
  if (s.talk.pinning) return s.talk.place(null);
  if (s.bench.giveUp()) return s.bench.changed.emit();
  if (s.follow.stop() || s.prelabel.stop()) return;
  if (s.selection.ids.size) return s.selection.clear();
  s.bench.setTool("select");
}

/** In the middle of a shape it goes back, or on again, by a point; else the last change is taken back, or made again. */
function history(s: Session, by: "undo" | "redo"): void {
  const { bench } = s;
  const { tool } = bench;
  if (tool.state !== "idle") {
    const taken = by === "undo" ? tool.back?.() : tool.again?.();
    if (!taken && by === "undo") bench.giveUp();
    return bench.changed.emit();
  }
  if (by === "undo" && bench.leftAt !== null) {
    if (bench.leftAt !== s.frames.now) s.frames.go(bench.leftAt);
    return bench.resume();
  }
  if (!s.mayEdit) return;
  const diff = s.undo[by]();
  if (!diff) return;
  toChange(s, diff);
  s.selection.set([...diff.objects.keys()].filter((id) => bench.shapeOf(id)));
}

/** Goes to the nearest frame where the change is to be seen, unless some of it is at this one. */
function toChange(s: Session, { objects, attributes, frames }: Diff): void {
  const { now } = s.frames;
  const both = [...objects.values()];
  if (attributes || both.some(({ before, after }) => !!(before ?? after)?.shape || differsAt(before, after, now))) return;
  const named = frames ? Object.keys({ ...frames.before, ...frames.after }).filter((key) => !same(frames.before[key], frames.after[key])).map(Number) : [];
  const places = [...named, ...both.flatMap(({ before, after }) => changedFrames(before, after))];
  if (!places.length || places.includes(now)) return;
  s.frames.pause();
  s.frames.go(places.reduce((best, frame) => (Math.abs(frame - now) < Math.abs(best - now) ? frame : best)));
}

function zoom(s: Session, factor: number): void {
  s.bench.camera.zoomAt(s.bench.camera.width / 2, s.bench.camera.height / 2, factor);
}

/** The keys of an action: the person's own, else the default ones. */
export const keysOf = (s: Session, action: Action): string[] => s.settings.get("shortcuts")[action.id] ?? action.keys;

/** Actions that this chord would run as well, were it given to `action`. */
export const sharing = (s: Session, action: Action, chord: string): Action[] => ACTIONS.filter((other) => other !== action && keysOf(s, other).includes(chord));

/** What a chord does just now. */
export function actionFor(s: Session, chord: string): Action | null {
  return ACTIONS.find((a) => keysOf(s, a).includes(chord) && (a.when?.(s) ?? true)) ?? null;
}

/** The class that the project gave this key. Keys of tools and commands stay theirs; the numbers may be given away. */
export function classWithKey(s: Session, chord: string): LabelClass | undefined {
  const action = actionFor(s, chord);
  if (action && !action.id.startsWith("class.")) return undefined;
  return s.ontology.classes.find((c) => c.hotkey && c.hotkey.toUpperCase() === chord);
}
