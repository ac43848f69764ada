// What opens over the canvas: search a class, commands, help, what is missing, a clash, a verdict's reason.

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { Panel, from, toStage } from "./panel.ts";
import { classSearch, commandSearch } from "./search.ts";
import { helpSheet } from "./help.ts";
import { clashView, missingView, reasonView } from "./verdicts.ts";

const TITLES: Record<string, string> = { help: "Shortcuts", commands: "Commands", classes: "Class", submit: "Not ready yet", clash: "Changed on both sides", reject: "Return to author", skip: "Skip this task" };

/** Typing state that lives as long as the dialog is open. */
export interface Typing {
  query: string;
  index: number;
  mine: Set<number>;
  reason: string;
  text: string;
  recording: string | null;
  /** The key that was pressed for an action, while others have it. */
  conflict: { action: string; chord: string } | null;
}

const fresh = (): Typing => ({ query: "", index: 0, mine: new Set(), reason: "", text: "", recording: null, conflict: null });

export class Dialogs extends Panel {
  typing = fresh();
  private shown: string | null = null;
  private returnTo: Element | null = null;

  protected sources() {
    return from(this.session.changed, this.session.settings.changed);
  }

  override willUpdate(_: PropertyValues): void {
    const { dialog, sync } = this.session;
    if (dialog === this.shown) return;
    this.typing = fresh();
    if (dialog === "clash") this.typing.mine = new Set(sync.clashes.map((c) => c.object_id));
    if (!this.shown) this.returnTo = document.activeElement;
  }

  override updated(_: PropertyValues): void {
    const { dialog } = this.session;
    if (dialog === this.shown) return;
    this.shown = dialog;
    const element = this.querySelector("dialog");
    if (dialog && element && !element.open) element.showModal();
    if (dialog) this.querySelector<HTMLElement>("[autofocus]")?.focus();
    else if (this.returnTo instanceof HTMLElement && this.returnTo.isConnected && this.returnTo !== document.body) this.returnTo.focus();
    else toStage();
  }

  override render(): TemplateResult | typeof nothing {
    const { dialog } = this.session;
    if (!dialog) return nothing;
    const search = dialog === "classes" || dialog === "commands";
    return html`<dialog class="${search ? "search" : "sheet"} ${dialog}" aria-label=${TITLES[dialog] ?? dialog} @close=${() => this.close()} @cancel=${() => this.close()} @click=${(e: Event) => e.target === e.currentTarget && this.close()} @keydown=${(e: Event) => e.stopPropagation()}>
      <div class="frame">
        ${search ? nothing : html`<header><h1>${TITLES[dialog]}</h1><button class="quiet square" aria-label="Close" @click=${() => this.close()}>✕</button></header>`}
        ${this.body(dialog)}
      </div></dialog>`;
  }

  private body(dialog: string): TemplateResult {
    switch (dialog) {
      case "classes": return classSearch(this);
      case "commands": return commandSearch(this);
      case "help": return helpSheet(this);
      case "submit": return missingView(this);
      case "clash": return clashView(this);
      default: return reasonView(this, dialog);
    }
  }

  close(): void {
    if (this.session.dialog === null) return;
    this.session.open(null);
  }
}
