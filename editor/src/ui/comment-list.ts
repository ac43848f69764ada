// Comments on the item, its objects and places: read, answered, added.

import { html, nothing, type TemplateResult } from "lit";
import { type Comment, personName } from "../model/work.ts";
import { icon } from "./icons.ts";
import { Panel, from, toStage } from "./panel.ts";

export class CommentList extends Panel {
  protected sources() {
    return from(this.session.changed, this.session.selection.changed);
  }

  override render(): TemplateResult {
    const { session } = this;
    const threads = session.talk.comments.filter((c) => !c.parent);
    return html`
      <div class="scroll">${threads.length ? threads.map((c) => this.thread(c)) : html`<p class="empty">No comments. Say what is unclear; the author, the reviewer and the managers see it.</p>`}</div>
      <form class="compose" @submit=${(e: Event) => this.send(e)}>
        <label class="muted" for="comment-text">${this.about()}</label>
        <textarea id="comment-text" rows="3" placeholder="Comment" .value=${this.session.talk.draft} @input=${(e: InputEvent) => this.typed(e)} @keydown=${(e: KeyboardEvent) => this.key(e)}></textarea>
        <div class="line">
          <button type="button" class="quiet small" aria-pressed=${session.talk.pinning} @click=${() => this.place()}>${icon("pin")}${session.talk.pin ? "Placed" : session.talk.pinning ? "Click the picture" : "Pin to a place"}</button>
          <span class="spacer"></span>
          ${this.session.talk.answering ? html`<button type="button" class="quiet small" @click=${() => this.answer(null)}>Cancel</button>` : nothing}
          <button class="primary small" ?disabled=${!this.session.talk.draft.trim()}>Comment</button></div>
      </form>`;
  }

  private about(): string {
    const { session } = this;
    if (this.session.talk.answering) return "Answer";
    const id = session.selection.only;
    if (id !== null) return `About ${session.ontology.label(session.store.get(id)!.class)} ${id}`;
    return session.talk.pin ? "About the marked place" : "About the item";
  }

  private thread(c: Comment): TemplateResult {
    const { session } = this;
    const answers = session.talk.comments.filter((a) => a.parent === c.uid);
    return html`<article class="comment ${c.resolved ? "resolved" : ""}" data-comment=${c.uid} tabindex="-1">
      ${this.one(c)}${answers.map((a) => this.one(a))}
      <div class="line"><button class="quiet small" @click=${() => this.answer(c.uid)}>Answer</button>
        <button class="quiet small" @click=${() => session.talk.settle(c.uid, !c.resolved)}>${c.resolved ? "Open again" : "Resolve"}</button>
        ${c.object_id != null && session.store.get(c.object_id) ? html`<button class="quiet small" @click=${() => session.jumpTo(c.object_id!, c.frame)}>Show the object</button>` : nothing}
        ${c.x != null ? html`<button class="quiet small" @click=${() => this.show(c)}>Show the place</button>` : nothing}</div></article>`;
  }

  private one(c: Comment): TemplateResult {
    const number = this.session.talk.comments.indexOf(c) + 1;
    return html`<div class="said"><p class="muted"><span class="figure">${number}</span> <strong>${personName(c.author)}</strong>
      <time datetime=${c.created_at} title=${new Date(c.created_at).toLocaleString()}>${ago(c.created_at)}</time>${c.reason ? html` <span class="chip returned">${c.reason}</span>` : nothing}${c.resolved ? html` <span class="chip">resolved</span>` : nothing}</p>
      <p class="body">${c.body}</p></div>`;
  }

  private show(c: Comment): void {
    const { session } = this;
    if (c.frame != null) session.frames.go(c.frame);
    session.bench.camera.zoomTo({ x1: c.x! - 0.1, y1: c.y! - 0.1, x2: c.x! + 0.1, y2: c.y! + 0.1 });
  }

  private place(): void {
    const { talk } = this.session;
    const pinning = !talk.pinning;
    talk.place(null);
    talk.pinning = pinning;
    this.session.changed.emit();
  }

  private answer(uid: string | null): void {
    this.session.talk.answering = uid;
    this.requestUpdate();
    this.querySelector("textarea")?.focus();
  }

  private typed(e: InputEvent): void {
    this.session.talk.draft = (e.target as HTMLTextAreaElement).value;
    this.requestUpdate();
  }

  private key(e: KeyboardEvent): void {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) this.send(e);
    if (e.key === "Escape") toStage();
    e.stopPropagation();
  }

  private send(e: Event): void {
    e.preventDefault();
    const { session } = this;
    const { talk } = session;
    const { answering } = talk;
    const body = talk.draft.trim();
    if (!body) return;
    const where: Partial<Comment> = { frame: session.bench.parts.video ? session.bench.frame : null };
    if (answering) where.parent = answering;
    else Object.assign(where, { object_id: session.selection.only, ...talk.pin });
    [talk.draft, talk.answering] = ["", null];
    void talk.add(body, where).then((taken) => {
      if (taken || talk.draft) return;
      // It is still there to be sent again.
      [talk.draft, talk.answering] = [body, answering];
      session.changed.emit();
    });
    this.requestUpdate();
  }
}

/** "3 minutes ago", from a time of the server. */
export function ago(time: string): string {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const [unit, size] of steps) if (seconds >= size) return format.format(-Math.floor(seconds / size), unit);
  return "just now";
}
