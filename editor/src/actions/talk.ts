// What is said about the item, its objects and places: comments, their pins, and threads that are settled.

import type { Comment } from "../model/work.ts";
import type { Session } from "./session.ts";

export class Talk {
  comments: Comment[];
  /** Where a new comment is to be pinned. */
  pin: { x: number; y: number } | null = null;
  /** The next click on the picture places a comment. */
  pinning = false;

  constructor(private readonly session: Session) {
    this.comments = session.work.comments;
  }

  async add(body: string, where: Partial<Comment>): Promise<void> {
    const { session } = this;
    try {
      const comment = await session.api.comment(session.work.item.uid, { body, ...where, task: session.work.task.uid });
      this.comments = [...this.comments, comment];
      this.pin = null;
      this.shown();
    } catch (error) {
      session.failed(error);
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
    editor?.setPins(here.map((c) => ({ id: c.uid, x: c.x!, y: c.y!, text: String(this.comments.indexOf(c) + 1), done: !!c.resolved })));
  }
}
