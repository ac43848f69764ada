// One task being worked on: its document, its canvas, its lease, and what the person is doing with it.

import { Editor } from "../editor/editor.ts";
import type { Pictures } from "../editor/picture.ts";
import { Workbench } from "../editor/workbench.ts";
import { Ontology, type Missing, missing } from "../model/ontology.ts";
import { type Comment, type Problem, type Work, personName } from "../model/work.ts";
import { type Api, ApiError, Offline } from "../store/api.ts";
import { Emitter } from "../store/emitter.ts";
import { ServerHelp } from "../store/help.ts";
import { type Journal, MemoryJournal } from "../store/journal.ts";
import { finishEarlier, openDocument, type Opened } from "../store/open.ts";
import { Seat } from "../store/seat.ts";
import { Selection } from "../store/selection.ts";
import type { SettingsStore } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import type { Sync } from "../store/sync.ts";
import type { Undo } from "../store/undo.ts";
import { Clock } from "./clock.ts";
import { Follow } from "./follow.ts";
import { Frames, fetchFirst } from "./frames.ts";
import { Prelabel } from "./prelabel.ts";
import { remember } from "./repeat.ts";

/** What is open beside the canvas. */
export type Panel = "labels" | "comments" | "guide" | "history" | "look";
export type Dialog = "help" | "commands" | "classes" | "submit" | "clash" | "reject" | "skip" | "comment" | null;

const ELSEWHERE = "You have this task open in another tab";
/** How long a tab that is asked to step back tries to save; the rest waits in the journal. */
const HANDOVER = 2000;
/** How often a tab that looks on asks whether the other one is still there. */
const FOLLOW = 2000;

export class Session {
  readonly changed = new Emitter();
  readonly store: Store;
  readonly undo: Undo;
  readonly sync: Sync;
  readonly selection: Selection;
  readonly ontology: Ontology;
  readonly bench: Workbench;
  readonly frames: Frames;
  readonly follow: Follow;
  readonly prelabel: Prelabel;
  readonly clock: Clock;
  editor: Editor | null = null;
  panel: Panel = "labels";
  dialog: Dialog = null;
  notice = "";
  problems: (Missing | Problem)[] = [];
  comments: Comment[];
  /** Where a new comment is to be pinned. */
  pin: { x: number; y: number } | null = null;
  /** The next click on the picture places a comment. */
  pinning = false;
  over: { next: string | null; text: string } | null = null;
  /** Opens another task on this page; set by the page. */
  goTo: (task: string | null) => void = () => undefined;
  private closed = false;
  private lookedAhead = false;
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly api: Api,
    public work: Work,
    opened: Opened,
    readonly settings: SettingsStore,
    /** Who else holds the task, or why it cannot be changed; empty when it can. */
    public looking: string,
    /** Decoded pictures, also of the task that comes next. */
    private readonly pictures: Pictures,
  ) {
    ({ store: this.store, undo: this.undo, sync: this.sync } = opened);
    this.selection = new Selection(this.store);
    this.ontology = new Ontology(work);
    this.comments = work.comments;
    const { store, undo, selection, ontology } = this;
    const mayEdit = (): boolean => this.mayEdit;
    this.bench = new Workbench({ store, undo, selection, settings, ontology, video: work.item.kind === "video", limits: work.job.limits ?? {}, semantic: work.project.semantic, mayEdit, help: new ServerHelp(work.item.uid, work.help.tools, work.help.models) });
    this.frames = new Frames(this);
    this.follow = new Follow(this);
    this.prelabel = new Prelabel(this);
    this.clock = new Clock(this);
    this.bench.said.on((text) => this.say(text));
    this.sync.changed.on(() => this.noticeSync());
    if (opened.recovered) this.say(`${count(opened.recovered, "change")} of your last visit brought back`);
  }

  /** Claims the task, brings back what was not saved, and opens its document. */
  static async open(task: string, api: Api, journal: Journal, settings: SettingsStore, pictures: Pictures): Promise<Session> {
    let { work, looking } = await claim(api, task);
    // The picture takes longest: it comes while all else is made ready.
    fetchFirst(pictures, work.item)?.catch(() => undefined);
    const seat = new Seat(work.item.uid);
    const elsewhere = !looking && !(await seat.take());
    // The journal belongs to the tab that works: one that looks on must not send what is in it.
    const own = elsewhere ? new MemoryJournal() : journal;
    if ((await own.read(work.item.uid)).head?.inflight) {
      await finishEarlier(work.item.uid, api, own);
      work = { ...(await api.work(task)), can: work.can, task: work.task };
    }
    const session = new Session(api, work, await openDocument(work, api, own), settings, elsewhere ? ELSEWHERE : looking, pictures);
    session.share(seat, elsewhere);
    return session;
  }

  /** Another tab of this person works on the same task. */
  elsewhere = false;
  private seat: Seat | null = null;
  private seatTimer: ReturnType<typeof setInterval> | undefined;
  private readonly leaveSeat = (): void => this.seat?.close();
  /** A tab in the background may have been frozen, and another have gone on meanwhile. */
  private readonly lookAgain = (): void => {
    if (document.visibilityState === "visible" && !this.elsewhere && !this.closed) void this.seat?.taken().then((taken) => (taken ? this.stepBack() : undefined));
  };

  /** The other tab is gone: this one goes on, with what that one left in the journal. */
  private async followOn(): Promise<void> {
    if (!this.closed && document.visibilityState === "visible" && (await this.seat?.take()) && !this.closed) this.goTo(this.work.task.uid);
  }

  private share(seat: Seat, elsewhere: boolean): void {
    this.seat = seat;
    this.elsewhere = elsewhere;
    let version = this.sync.version;
    this.sync.changed.on(() => {
      if (this.sync.version !== version) seat.tell();
      version = this.sync.version;
    });
    seat.told = () => void this.sync.refresh();
    seat.give = () => this.stepBack();
    window.addEventListener("pagehide", this.leaveSeat);
    document.addEventListener("visibilitychange", this.lookAgain);
    // Only one that has looked on from the start: one that stepped back was left on purpose.
    if (elsewhere) this.seatTimer = setInterval(() => void this.followOn(), FOLLOW);
  }

  /** Another tab goes on here: everything is saved, or stays in the journal for that tab to find. */
  private async stepBack(): Promise<void> {
    this.bench.tool.cancel();
    this.looking = ELSEWHERE;
    this.elsewhere = true;
    this.changed.emit();
    this.clock.flush();
    await Promise.race([this.sync.settled(), new Promise((resolve) => setTimeout(resolve, HANDOVER))]);
    this.sync.stop();
  }

  /** Goes on with the task in this tab; the other one saves and looks on. */
  async workHere(): Promise<void> {
    await this.seat?.demand();
    this.goTo(this.work.task.uid);
  }

  get mayEdit(): boolean {
    return this.work.can.edit && !this.looking && this.sync.state.kind !== "lease_lost" && this.sync.state.kind !== "stopped" && !this.over;
  }

  get reviewing(): boolean {
    return this.work.task.stage === "review" && this.work.can.review;
  }

  /** Puts the canvas onto the page. */
  attach(root: HTMLElement): void {
    this.editor = new Editor(root, this.bench, this.pictures);
    this.frames.show();
    this.showPins();
  }

  /** The task is left: nothing of it runs on. */
  close(): void {
    this.follow.stop();
    this.prelabel.stop();
    if (this.closed) return;
    this.closed = true;
    remember(this);
    this.leaveSeat();
    clearInterval(this.seatTimer);
    window.removeEventListener("pagehide", this.leaveSeat);
    document.removeEventListener("visibilitychange", this.lookAgain);
    this.bench.gaps?.stop();
    this.clock.stop();
    this.sync.stop();
    this.frames.stop();
  }

  open(dialog: Dialog): void {
    this.dialog = dialog;
    this.changed.emit();
  }

  openPanel(panel: Panel): void {
    this.settings.set("panel", this.panel !== panel || !this.settings.get("panel"));
    this.panel = panel;
    this.changed.emit();
  }

  /** One line for a few seconds, also read out. */
  say(text: string): void {
    this.notice = text;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => {
      this.notice = "";
      this.changed.emit();
    }, 5000);
    this.changed.emit();
  }

  private noticeSync(): void {
    if (this.sync.state.kind === "clash" && this.dialog === null && this.sync.clashes.length) this.dialog = "clash";
    this.changed.emit();
  }

  /** What is missing for submitting, as the ontology and the job ask for it. */
  get missing(): Missing[] {
    const { ontology, work, store, bench } = this;
    const frames = work.item.kind === "video" ? this.frames.count : 0;
    const found = missing(ontology, work.job.limits ?? {}, { objects: [...store.objects], attributes: store.attributes, frames: store.frames }, frames);
    bench.gaps?.look();
    if (bench.gaps?.count) found.push({ text: `${count(bench.gaps.count, "pixel")} without a class${frames > 1 ? " in this frame" : ""}`, gap: true });
    return found;
  }

  /** Goes to an object: its frame, its place, and selects it. */
  jumpTo(id: number, frame?: number | null): void {
    const object = this.store.get(id);
    if (!object) return;
    if (object.keyframes && !this.bench.shapeOf(id)) this.frames.go(frame ?? object.keyframes.find((key) => key.shape)?.frame ?? 0);
    this.selection.set([id]);
    this.panel = "labels";
    this.changed.emit();
  }

  /** Shows the next pixels without a class. */
  nextGap(): void {
    const box = this.bench.gaps?.next();
    if (!box) return this.say("Every pixel has a class");
    this.settings.set("gaps", true);
    this.bench.camera.zoomTo(box, 120);
    this.say(`${count(this.bench.gaps!.count, "pixel")} without a class`);
  }

  /** Hands the task in; what is missing is shown instead. `anyway`: with gaps, which are not forbidden. */
  async submit(anyway = false): Promise<void> {
    this.problems = this.missing;
    if (anyway) this.problems = this.problems.filter((problem) => !("gap" in problem));
    if (this.problems.length) return this.open("submit");
    await this.verdict(() => this.api.submit(this.work.task.uid, this.sync.lease ?? ""), "Submitted");
  }

  accept = (comment = ""): Promise<void> => this.verdict(() => this.api.accept(this.work.task.uid, this.sync.lease ?? "", comment), "Accepted");

  reject = (reason: string, comment: string): Promise<void> =>
    this.verdict(() => this.api.reject(this.work.task.uid, this.sync.lease ?? "", reason, comment), "Returned to its author");

  skip = (reason: string): Promise<void> => this.verdict(() => this.api.skip(this.work.task.uid, this.sync.lease ?? "", reason), "Skipped");

  /** Saves all, then decides; stays where it is when either cannot be done. */
  private async verdict(decide: () => Promise<{ next?: string | null } | null>, said: string): Promise<void> {
    if (this.over) return;
    this.bench.tool.cancel();
    this.clock.flush();
    if (!(await this.sync.settled())) return this.say("Not everything is saved yet; nothing was sent off");
    try {
      const answer = await decide();
      this.over = { next: answer?.next ?? null, text: said };
      this.dialog = null;
      this.close();
      this.changed.emit();
      if (this.over.next) await this.go();
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    if (error instanceof ApiError && Array.isArray(error.body.problems) && error.body.problems.length) {
      this.problems = error.body.problems as Problem[];
      return this.open("submit");
    }
    if (error instanceof ApiError || error instanceof Offline) return this.say(error.message);
    throw error;
  }

  /** The uid of the next task to work on, or null when there is none. */
  async next(): Promise<string | null> {
    const answer = await this.api.next(this.work.project.uid, this.work.task.stage === "review" ? "review" : "label");
    return answer?.task ?? null;
  }

  /** Fetches and decodes what the next task will probably show, while this one is being done; takes nothing. */
  async lookAhead(): Promise<void> {
    if (this.lookedAhead || this.looking) return;
    this.lookedAhead = true;
    try {
      const { task } = await this.api.following(this.work.task.uid);
      if (task && !this.closed) await fetchFirst(this.pictures, (await this.api.work(task)).item);
    } catch {
      // Only a head start: opening the task says what is wrong with it.
    }
  }

  /** On to the next task: at once when this one is over or only looked at. */
  async go(): Promise<void> {
    if (!this.over && !this.looking) return this.say("Submit or skip this task first");
    try {
      this.goTo(this.over?.next ?? (await this.next()));
    } catch (error) {
      this.failed(error);
    }
  }

  /** Leaves the task to others, with everything saved. */
  async release(): Promise<void> {
    await this.sync.settled();
    if (this.sync.lease && this.mayEdit) await this.api.release(this.work.task.uid, this.sync.lease).catch(() => undefined);
    this.close();
  }

  async addComment(body: string, where: Partial<Comment>): Promise<void> {
    try {
      const comment = await this.api.comment(this.work.item.uid, { body, ...where, task: this.work.task.uid });
      this.comments = [...this.comments, comment];
      this.pin = null;
      this.showPins();
      this.changed.emit();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Marks a thread as settled, or opens it again. */
  async settle(uid: string, resolved: boolean): Promise<void> {
    try {
      const changed = await this.api.settle(uid, resolved);
      this.comments = this.comments.map((c) => (c.uid === uid ? changed : c));
      this.showPins();
      this.changed.emit();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Marks the comments of this frame at their places. */
  showPins(): void {
    const here = this.comments.filter((c) => !c.parent && c.x != null && c.y != null && (c.frame == null || c.frame === this.bench.frame));
    this.editor?.setPins(here.map((c) => ({ id: c.uid, x: c.x!, y: c.y!, text: String(this.comments.indexOf(c) + 1), done: !!c.resolved })));
  }

  /** Goes back to an earlier version; that is a change like any other, so nothing is lost by it. */
  async restore(version: number): Promise<void> {
    if (!(await this.sync.settled())) return this.say("Not everything is saved yet");
    try {
      await this.api.restore(this.work.item.uid, version, this.sync.lease);
      await this.sync.refresh();
      this.say(`Back to version ${version}`);
    } catch (error) {
      this.failed(error);
    }
  }

  /** The earlier version that the present one is compared with. */
  compared: number | null = null;

  async compareWith(version: number | null): Promise<void> {
    try {
      const then = version === null ? null : await this.api.document(this.work.item.uid, version);
      this.compared = version;
      this.editor?.compare(then && new Map(then.objects.map((object) => [object.id, object])));
      this.changed.emit();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Takes the task back after its lease went to nobody else. */
  async takeBack(): Promise<void> {
    const { work, looking } = await claim(this.api, this.work.task.uid);
    this.looking = looking;
    if (looking) return this.say(looking);
    this.work = { ...this.work, task: work.task, can: work.can };
    this.sync.lease = work.task.lease;
    this.sync.retry();
    this.changed.emit();
  }
}

/** The work with a lease on it where this person may have one; else just to look at, with the reason. */
async function claim(api: Api, task: string): Promise<{ work: Work; looking: string }> {
  try {
    return { work: await api.claim(task), looking: "" };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 401 || error.status === 404) throw error;
    const work = await api.work(task);
    const held = work.task.holder ? `${personName(work.task.holder)} holds this task` : error.message;
    return { work, looking: held || "You can look at this task, not change it" };
  }
}

export const count = (n: number, noun: string): string => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
