// Instructions of the project and the job, and pictures to look at beside the item.

import { html, nothing, type TemplateResult } from "lit";
import { Panel, from } from "./panel.ts";

export class Guide extends Panel {
  private large: string | null = null;

  protected sources() {
    return from(this.session.changed, this.session.bench.framed);
  }

  override render(): TemplateResult {
    const { project, job, item } = this.session.work;
    const frame = this.session.bench.frame;
    const references = item.references.filter((r) => r.url).filter((r) => r.frame === null || r.frame === undefined || r.frame === frame);
    const none = !job.instructions && !project.instructions && !item.references.length;
    return html`<div class="scroll guide">
      ${none ? html`<p class="empty">This project has no instructions and this item no reference pictures.</p>` : nothing}
      ${job.instructions ? html`<h2>${job.name}</h2><div class="prose">${job.instructions}</div>` : nothing}
      ${project.instructions ? html`<h2>${project.name}</h2><div class="prose">${project.instructions}</div>` : nothing}
      ${references.length ? html`<h2>References</h2>` : item.references.length ? html`<p class="empty">No reference for this frame.</p>` : nothing}
      ${references.map((r, i) => html`<figure><button class="reference" @click=${() => this.enlarge(r.url!)} aria-label=${`Enlarge ${r.label ?? `reference ${i + 1}`}`}>
        <img src=${r.url!} alt=${r.label ?? `Reference ${i + 1}`} loading="lazy" /></button><figcaption class="muted">${r.label ?? ""}</figcaption></figure>`)}
      </div>
      ${this.large ? html`<dialog class="large-reference" aria-label="Reference. Escape closes it" @close=${() => this.enlarge(null)} @click=${() => this.enlarge(null)} @keydown=${(e: Event) => e.stopPropagation()}><img src=${this.large} alt="Reference, large" /></dialog>` : nothing}`;
  }

  override updated(): void {
    const dialog = this.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
  }

  private enlarge(url: string | null): void {
    this.large = url;
    this.requestUpdate();
  }
}
