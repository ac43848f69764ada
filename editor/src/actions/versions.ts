// Earlier versions of the document: compared with what is there now, and gone back to.

import type { LabelObject } from "../model/document.ts";
import { type ObjectChange, changesBetween } from "../model/changes.ts";
import type { Session } from "./session.ts";

export class Versions {
  /** The earlier version that the present one is compared with. */
  compared: number | null = null;
  private then: ReadonlyMap<number, LabelObject> | null = null;

  constructor(private readonly session: Session) {}

  async compareWith(version: number | null): Promise<void> {
    const { session } = this;
    try {
      const found = version === null ? null : await session.api.document(session.work.item.uid, version);
      this.compared = version;
      this.then = found && new Map(found.objects.map((object) => [object.id, object]));
      session.editor?.compare(this.then);
      session.changed.emit();
    } catch (error) {
      session.failed(error);
    }
  }

  /** What is different from the compared version. */
  get changes(): ObjectChange[] {
    const { session, then } = this;
    return then ? changesBetween(then, session.store.objects, (name) => session.ontology.label(name)) : [];
  }

  /** An object of the compared version, also one that is gone. */
  before(id: number): LabelObject | undefined {
    return this.then?.get(id);
  }

  /** Goes back to an earlier version; that is a change like any other, so nothing is lost by it. */
  async restore(version: number): Promise<void> {
    const { session } = this;
    if (!(await session.sync.settled())) return session.say("Not everything is saved yet");
    try {
      await session.api.restore(session.work.item.uid, version, session.sync.lease);
      await session.sync.refresh();
      session.say(`Back to version ${version}`);
    } catch (error) {
      session.failed(error);
    }
  }
}
