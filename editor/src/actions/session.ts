// One task being worked on: its document, its canvas, its lease, and what the person is doing with it.

import { Editor } from "../editor/editor.ts";
import type { Pictures } from "../editor/picture.ts";
import { Workbench } from "../editor/workbench.ts";
import type { Point } from "../geometry/plane.ts";
import { Ontology, type Missing, missing } from "../model/ontology.ts";
import { type Problem, type Work, personName } from "../model/work.ts";
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
import type { Ahead } from "./ahead.ts";
import { Clock } from "./clock.ts";
import { Follow } from "./follow.ts";
import { Frames, fetchFirst } from "./frames.ts";
import { gapsIn } from "./gaps.ts";
import { Prelabel } from "./prelabel.ts";
import { remember } from "./repeat.ts";
import { Talk } from "./talk.ts";
import { Versions } from "./versions.ts";

/** What is open beside the canvas. */
export type Panel = "labels" | "comments" | "guide" | "history" | "look";
export type Dialog = "help" | "commands" | "classes" | "submit" | "clash" | "reject" | "skip" | "comment" | null;

/** What can be done at a place of the page is offered there. `place`: where on the picture that is; `on`: of an object, which is selected. */
export interface Menu {
  x: number;
  y: number;
  place: Point | null;
  on: boolean;
}

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
  menu: Menu | null = null;
  notice = "";
  problems: (Missing | Problem)[] = [];
  readonly talk: Talk;
  readonly versions: Versions;
  over: { next: string | null; text: string } | null = null;
  /** Opens another task on this page; set by the page. */
  goTo: (task: string | null) => void = () => undefined;
  private closed = false;
  /** It is being sent off: what is drawn now would come too late. */
  private deciding = false;
  /** Pixels without a class are counted before it is sent off. */
  private counting = false;
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
    /** What is known of the task that comes next. */
    private readonly ahead: Ahead,
  ) {
    ({ store: this.store, undo: this.undo, sync: this.sync } = opened);
    this.selection = new Selection(this.store);
    this.ontology = new Ontology(work);
    this.talk = new Talk(this);
    this.versions = new Versions(this);
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
  static async open(task: string, api: Api, journal: Journal, settings: SettingsStore, pictures: Pictures, ahead: Ahead): Promise<Session> {
    let { work, looking } = await claim(api, task, ahead);
    // The picture takes longest: it comes while all else is made ready.
    fetchFirst(pictures, work.item)?.catch(() => undefined);
    const seat = new Seat(work.item.uid);
    const elsewhere = !looking && !(await seat.take());
    // The journal belongs to the tab that works: one that looks on must not send what is in it.
    let own = elsewhere ? new MemoryJournal() : journal;
    let waits = false;
    if ((await own.read(work.item.uid)).head?.inflight) {
      waits = !(await finishEarlier(work.item.uid, api, own, work.task.lease));
      // What cannot be finished now is left as it is, for the visit that may.
      if (waits) own = new MemoryJournal();
      work = { ...(await api.work(task)), can: work.can, task: work.task };
    }
    const session = new Session(api, work, await openDocument(work, api, own), settings, elsewhere ? ELSEWHERE : looking, pictures, ahead);
    session.share(seat, elsewhere);
    if (waits) session.say("Changes of your last visit are kept in this browser until the task is yours again");
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
    this.dropBegun();
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
    return this.work.can.edit && !this.looking && !this.deciding && this.sync.state.kind !== "lease_lost" && this.sync.state.kind !== "stopped" && !this.over;
  }

  get reviewing(): boolean {
    return this.work.task.stage === "review" && this.work.can.review;
  }

  /** Puts the canvas onto the page. */
  attach(root: HTMLElement): void {
    this.editor = new Editor(root, this.bench, this.pictures);
    this.editor.menuWanted.on((menu) => this.openMenu(menu));
    this.frames.show();
    this.talk.showPins();
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

  openMenu(menu: Menu | null): void {
    this.menu = menu;
    this.changed.emit();
  }

  open(dialog: Dialog): void {
    this.dialog = dialog;
    this.changed.emit();
  }

  showPanel(panel: Panel): void {
    this.panel = panel;
    this.settings.set("panel", true);
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
    const { ontology, work, store } = this;
    const frames = work.item.kind === "video" ? this.frames.count : 0;
    return missing(ontology, work.job.limits ?? {}, { objects: [...store.objects], attributes: store.attributes, frames: store.frames }, frames);
  }

  /** Goes to an object: its frame, its place, and selects it. `stay`: the panel stays the one that is open. */
  jumpTo(id: number, frame?: number | null, stay = false): void {
    const object = this.store.get(id);
    if (!object) return;
    if (object.keyframes && !this.bench.shapeOf(id)) this.frames.go(frame ?? object.keyframes.find((key) => key.shape)?.frame ?? 0);
    this.selection.set([id]);
    if (!stay) this.panel = "labels";
    this.changed.emit();
  }

  /** Shows the next pixels without a class, of another frame where one is given. */
  nextGap(frame = this.bench.frame): void {
    if (frame !== this.bench.frame) this.frames.go(frame);
    const box = this.bench.gaps?.next();
    if (!box) return this.say("Every pixel has a class");
    this.settings.set("gaps", true);
    this.bench.camera.zoomTo(box, 120);
    this.say(`${count(this.bench.gaps!.count, "pixel")} without a class`);
  }

  /** Hands the task in; what is missing is shown instead. `anyway`: with gaps, which are not forbidden. */
  async submit(anyway = false): Promise<void> {
    if (this.bench.tool.kept?.()) return this.say("A shape is half drawn: Enter finishes it, Esc gives it up");
    if (this.counting) return;
    this.counting = true;
    const gaps = anyway ? [] : await gapsIn(this);
    this.counting = false;
    if (this.closed) return;
    this.problems = [...this.missing, ...gaps];
    if (this.problems.length) return this.open("submit");
    await this.verdict(() => this.api.submit(this.work.task.uid, this.sync.lease ?? ""), "Submitted");
  }

  accept = (comment = ""): Promise<void> => this.verdict(() => this.api.accept(this.work.task.uid, this.sync.lease ?? "", comment), "Accepted");

  reject = (reason: string, comment: string): Promise<void> =>
    this.verdict(() => this.api.reject(this.work.task.uid, this.sync.lease ?? "", reason, comment), "Returned to its author");

  skip = (reason: string): Promise<void> => this.verdict(() => this.api.skip(this.work.task.uid, this.sync.lease ?? "", reason), "Skipped");

  /** Saves now what would be saved within a second anyway, and says so. */
  async save(): Promise<void> {
    this.clock.flush();
    if (["offline", "signed_out", "stopped", "forbidden"].includes(this.sync.state.kind)) this.sync.retry();
    this.say((await this.sync.settled()) ? "Saved. Every change is saved by itself" : "Not everything is saved yet; it is tried again and again");
  }

  /** Saves all, then decides; stays where it is when either cannot be done. */
  private async verdict(decide: () => Promise<{ next?: string | null } | null>, said: string): Promise<void> {
    if (this.over || this.deciding) return;
    this.dropBegun();
    this.clock.flush();
    if (!(await this.sync.settled())) return this.say("Not everything is saved yet; nothing was sent off");
    this.deciding = true;
    this.changed.emit();
    try {
      const answer = await decide();
      this.over = { next: answer?.next ?? null, text: said };
      this.dialog = null;
      this.close();
      this.changed.emit();
      if (this.over.next) await this.go();
    } catch (error) {
      this.failed(error);
    } finally {
      this.deciding = false;
      this.changed.emit();
    }
  }

  /** What is half done, or still being asked for, is dropped. */
  private dropBegun(): void {
    this.bench.tool.cancel();
    this.follow.stop();
    this.prelabel.stop();
  }

  /** Says what an error is about, or shows what it lists. */
  failed(error: unknown): void {
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

  /** Has the next task's picture and labels fetched, while this one is being done. */
  async lookAhead(): Promise<void> {
    if (!this.looking) await this.ahead.look(this.work.task.uid, this.pictures, () => !this.closed);
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

  /** Takes the task back after its lease went to nobody else. */
  async takeBack(): Promise<void> {
    const { work, looking } = await claim(this.api, this.work.task.uid, this.ahead);
    this.looking = looking;
    if (looking) return this.say(looking);
    this.work = { ...this.work, task: work.task, can: work.can };
    this.sync.lease = work.task.lease;
    this.sync.retry();
    this.changed.emit();
  }
}

/** The work with a lease on it where this person may have one; else just to look at, with the reason. */
async function claim(api: Api, task: string, ahead: Ahead): Promise<{ work: Work; looking: string }> {
  try {
    return { work: await ahead.claim(task), looking: "" };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 401 || error.status === 404) throw error;
    const work = await api.work(task);
    const held = work.task.holder ? `${personName(work.task.holder)} holds this task` : error.message;
    return { work, looking: held || "You can look at this task, not change it" };
  }
}

export const count = (n: number, noun: string): string => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
