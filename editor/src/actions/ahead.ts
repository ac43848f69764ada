// The task that probably comes next: its picture is decoded and its labels are here before it is asked for. Nothing is
// taken by that; when it is opened, the server says whether the labels are still the same.

import type { Pictures } from "../editor/picture.ts";
import type { Work } from "../model/work.ts";
import type { Api } from "../store/api.ts";
import { fetchFirst } from "./frames.ts";

export class Ahead {
  private known: Work | null = null;
  private looked = "";

  constructor(private readonly api: Api) {}

  /** Fetches what comes after this task, once. */
  async look(task: string, pictures: Pictures, wanted: () => boolean): Promise<void> {
    if (this.looked === task) return;
    this.looked = task;
    try {
      const { task: next } = await this.api.following(task);
      const work = next && wanted() ? await this.api.work(next) : null;
      if (!work || !wanted()) return;
      this.known = work;
      await fetchFirst(pictures, work.item);
    } catch {
      // Only a head start: opening the task says what is wrong with it.
    }
  }

  /** Claims the task; labels that are here already are not sent again. */
  async claim(task: string): Promise<Work> {
    const known = this.known?.task.uid === task ? this.known.document : null;
    this.known = null;
    const work = await this.api.claim(task, known?.version);
    return known && work.document.unchanged ? { ...work, document: known } : work;
  }
}
