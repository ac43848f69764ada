// The document's versions: who changed what, comparing with an earlier state, going back to it.

import { html, nothing, type TemplateResult } from "lit";
import { personName } from "../model/work.ts";
import type { Revision } from "../store/api.ts";
import { count } from "../actions/session.ts";
import { ago } from "./comment-list.ts";
import { Panel, from } from "./panel.ts";

const KINDS: Record<string, string> = { save: "", restore: "restored", import: "imported", review: "in review" };

/** Differences that are listed; the picture shows all of them. */
const MOST = 200;

export class HistoryPanel extends Panel {
  private revisions: Revision[] | null = null;
  private next: string | null = null;
  private version = -1;

  protected sources() {
    return from(this.session.changed, this.session.sync.changed);
  }

  override willUpdate(): void {
    if (this.session.sync.version === this.version) return;
    this.version = this.session.sync.version;
    void this.load();
  }

  private async load(after?: string): Promise<void> {
    try {
      const page = await this.session.api.history(this.session.work.item.uid, after);
      this.revisions = after ? [...(this.revisions ?? []), ...page.results] : page.results;
      this.next = page.next;
    } catch (error) {
      this.session.say(error instanceof Error ? error.message : String(error));
    }
    this.requestUpdate();
  }

  override render(): TemplateResult {
    const { session, revisions } = this;
    const authors = this.authors();
    const first = Math.min(1, this.version);
    const opened = session.work.document.version;
    const choice = (version: number | null, label: string): TemplateResult =>
      html`<button class="chip" role="radio" aria-checked=${session.versions.compared === version} @click=${() => session.versions.compareWith(version)}>${label}</button>`;
    return html`<div class="scroll">
      <div class="section-head"><h2>Compare with</h2></div>
      <div class="choices" role="radiogroup" aria-label="Compare with">${choice(null, "Nothing")}${choice(first, "First labels")}${authors ? choice(authors, "Author's") : nothing}${opened > 1 && opened !== authors ? choice(opened, "As opened") : nothing}</div>
      ${session.versions.compared === null ? nothing : html`<p class="legend muted"><span class="gone">gone</span><span class="before">as it was</span><span class="new">new</span></p>${this.changes()}`}
      <div class="section-head"><h2>Versions</h2></div>
      ${revisions === null ? html`<p class="empty" aria-busy="true">Loading…</p>` : revisions.length ? revisions.map((r) => this.revision(r)) : html`<p class="empty">Nothing has been changed since the first labels.</p>`}
      ${this.next ? html`<button class="quiet" @click=${() => this.load(this.next!)}>Older</button>` : nothing}
    </div>`;
  }

  /** The version that the author handed in, where a reviewer has it on the table. */
  private authors(): number | null {
    const { task } = this.session.work;
    if (task.stage !== "review" || !task.author) return null;
    return this.revisions?.find((r) => r.user?.uid === task.author!.uid)?.version ?? null;
  }

  /** Each object that differs, leading to it. */
  private changes(): TemplateResult {
    const { session } = this;
    const { versions } = session;
    const all = versions.changes;
    const name = (id: number): string => `${session.ontology.label((session.store.get(id) ?? versions.before(id)!).class)} ${id}`;
    return html`<ul class="changes" aria-label="What is different">${all.slice(0, MOST).map(({ id, kind, words }) => html`<li class=${kind}>
        ${kind === "gone" ? html`<span>${name(id)}</span>` : html`<button class="link" @click=${() => session.jumpTo(id, undefined, true)}>${name(id)}</button>`}
        <span class="muted">${words.join("; ")}</span></li>`)}</ul>
      ${all.length ? nothing : html`<p class="empty">Nothing is different.</p>`}
      ${all.length > MOST ? html`<p class="muted measure">and ${(all.length - MOST).toLocaleString("en")} more</p>` : nothing}`;
  }

  private revision(r: Revision): TemplateResult {
    const { session } = this;
    return html`<article class="revision" data-version=${r.version}>
      <p><span class="figure muted">${r.version}</span> <strong>${personName(r.user)}</strong> <time class="muted" datetime=${r.at} title=${new Date(r.at).toLocaleString()}>${ago(r.at)}</time>${KINDS[r.kind] ? html` <span class="chip">${KINDS[r.kind]}</span>` : nothing}</p>
      <p class="muted">${summary(r)}</p>
      <div class="line"><button class="quiet small" aria-pressed=${session.versions.compared === r.version} @click=${() => session.versions.compareWith(session.versions.compared === r.version ? null : r.version)}>Compare</button>
        ${session.mayEdit && r.version !== session.sync.version ? html`<button class="quiet small" @click=${() => session.versions.restore(r.version)}>Go back to this</button>` : nothing}</div></article>`;
  }
}

/** "2 added, 1 changed, 3 deleted" in words. */
function summary(r: Revision): string {
  const of = (action: RegExp): number => r.changes.filter((c) => action.test(c.action)).length;
  const parts: [number, string][] = [[of(/add|creat/), "added"], [of(/chang|updat|edit/), "changed"], [of(/delet|remov/), "deleted"]];
  const words = parts.filter(([n]) => n).map(([n, word]) => `${n} ${word}`);
  if (r.attributes.length) words.push(count(r.attributes.length, "value of the item"));
  if (r.frames.length) words.push(`values of ${count(r.frames.length, "frame")}`);
  if (r.kind === "import" && !words.length) return "First labels";
  return words.join(", ") || count(r.changes.length, "change");
}
