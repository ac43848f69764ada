// What is said about the item, its objects and places: comments, their pins, and threads that are settled.

import { clamp01 } from "../geometry/plane.ts";
import type { Comment } from "../model/work.ts";
import type { Session } from "./session.ts";

export class Talk {
  comments: Comment[];
  /** Where a new comment is to be pinned. */
  pin: { x: number; y: number } | null = null;
  /** The next click on the picture places a comment. */
  pinning = false;
  /** What is being written, and which comment it answers: kept while other panels are open. */
  draft = "";
  answering: string | null = null;

  constructor(private readonly session: Session) {
    this.comments = session.work.comments;
  }

  /** Marks where the comment that is being written belongs; null: nowhere. */
  place(p: { x: number; y: number } | null): void {
    this.pin = p && { x: clamp01(p.x), y: clamp01(p.y) };
    this.pinning = false;
    this.shown();
  }

  /** Adds a comment; false when the server did not take it. */
  async add(body: string, where: Partial<Comment>): Promise<boolean> {
    const { session } = this;
    try {
      const comment = await session.api.comment(session.work.item.uid, { body, ...where, task: session.work.task.uid });
      this.comments = [...this.comments, comment];
      this.pin = null;
      this.shown();
      return true;
    } catch (error) {
      session.failed(error);
      return false;
    }
  }

  /** Marks a thread as settled, or opens it again. */
  async settle(uid: string, resolved: boolean): Promise<void> {
    const { session } = this;
    try {
      const changed = await session.api.settle(uid, resolved);
      this.comments = this.comments.map((c) => (c.uid === uid ? changed : c));
      this.shown();
    } catch (error) {
      session.failed(error);
    }
  }

  private shown(): void {
    this.showPins();
    this.session.changed.emit();
  }

  /** Marks the comments of this frame at their places. */
  showPins(): void {
    const { editor, bench } = this.session;
    const here = this.comments.filter((c) => !c.parent && c.x != null && c.y != null && (c.frame == null || c.frame === bench.frame));
    const pins = here.map((c) => ({ id: c.uid, x: c.x!, y: c.y!, text: String(this.comments.indexOf(c) + 1), done: !!c.resolved }));
    editor?.setPins(this.pin ? [...pins, { id: "", ...this.pin, text: "+", done: false }] : pins);
  }
}
