// What can be done with the object under the pointer, or at an empty place: by the right button, a finger that rests, or a key.

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { ACTIONS, keysOf } from "../actions/actions.ts";
import { shown } from "../actions/keys.ts";
import * as objects from "../actions/objects.ts";
import type { Menu as Wanted, Session } from "../actions/session.ts";
import { kindLabel } from "../shapes/index.ts";
import type { ShapeType } from "../geometry/kinds.ts";
import { Panel, from, toStage } from "./panel.ts";

/** A line: a command by its name, or one of the menu's own; null: a gap. */
type Line = string | Own | null;

interface Own {
  label: string;
  /** The command whose key does the same. */
  like?: string;
  when?(s: Session): boolean;
  run(s: Session, menu: Wanted): void;
}

const editable = (s: Session): boolean => [...s.selection.ids].some((id) => s.bench.editable(id));
const several = (s: Session): boolean => editable(s) && s.selection.ids.size > 1;
const jointed = (s: Session): boolean => s.selection.only !== null && s.bench.shapeOf(s.selection.only)?.type === "skeleton";
const track = (s: Session): boolean => editable(s) && [...s.selection.ids].some((id) => s.store.get(id)?.keyframes);

/** Some of the selected are of another kind, and their class takes this one. */
const turns = (kind: ShapeType) => (s: Session): boolean =>
  editable(s) && [...s.selection.ids].some((id) => {
    const type = s.bench.shapeOf(id)?.type;
    return !!type && type !== kind && s.ontology.takes(s.store.get(id)!.class, kind) && (kind === "rectangle" || ["rectangle", "oriented_rectangle", "polygon", "mask"].includes(type));
  });

const comment: Own = { label: "Comment…", run: (s, { place }) => commentAt(s, place) };

const ON: Line[] = [
  { label: "Remove this point", when: (s) => !!s.bench.tool.onPoint && !jointed(s), run: (s) => void s.bench.tool.back?.() },
  { label: "Joint: visible, hidden, absent", when: (s) => !!s.bench.tool.onPoint && jointed(s), run: (s) => void s.bench.tool.back?.() },
  { label: "Change the class…", like: "class.search", when: editable, run: (s) => s.open("classes") },
  comment,
  null, "edit.copy", "edit.duplicate",
  { label: "Delete", like: "edit.delete", when: editable, run: (s) => objects.removeSelected(s) },
  null, "object.hide", "object.lock", "object.front", "object.back", "view.selected", "select.class",
  null, "object.unite", "object.subtract", "object.group", "select.group", "object.toBox", "object.toPolygon", "object.toMask",
  null, "track.key", "track.outside", "track.split", "track.cut", "track.merge", "track.swap", "track.propagate", "track.follow",
];
const PLACE: Line[] = [comment, null, "edit.paste", "edit.repeat", "edit.undo", "edit.redo", null, "select.all", "object.hide", "view.fit"];

/** Where a command makes sense beyond what it asks for itself. */
const SENSE: Record<string, (s: Session) => boolean> = {
  "edit.duplicate": editable, "object.lock": (s) => s.mayEdit, "object.front": editable, "object.back": editable,
  "object.unite": several, "object.subtract": several, "object.group": (s) => several(s) || (editable(s) && [...s.selection.ids].some((id) => s.store.get(id)?.group)),
  "select.group": (s) => [...s.selection.ids].some((id) => s.store.get(id)?.group),
  "object.toBox": turns("rectangle"), "object.toPolygon": turns("polygon"), "object.toMask": turns("mask"),
  "track.key": track, "track.outside": track, "track.split": track, "track.cut": track, "track.propagate": track, "track.follow": track,
  "track.merge": (s) => several(s) && track(s), "track.swap": (s) => s.selection.ids.size === 2 && track(s),
  "edit.paste": (s) => s.mayEdit && objects.hasCopies(), "edit.repeat": (s) => s.mayEdit, "edit.undo": (s) => s.mayEdit && s.undo.canUndo, "edit.redo": (s) => s.mayEdit && s.undo.canRedo,
};

/** Begins a comment about a place, and the selected object if there is one. */
function commentAt(s: Session, place: Wanted["place"]): void {
  s.talk.answering = null;
  s.talk.place(place);
  s.showPanel("comments");
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLElement>("#comment-text")?.focus()));
}

interface Item {
  label: string;
  key: string;
  run(): void;
}

export class Menu extends Panel {
  private opened: Wanted | null = null;
  private readonly outside = (e: Event): void => {
    if (!(e.target instanceof Node && this.contains(e.target))) this.close(false);
  };

  protected sources() {
    return from(this.session.changed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("pointerdown", this.outside, true);
  }

  override updated(_: PropertyValues): void {
    const { menu } = this.session;
    if (menu === this.opened) return;
    this.opened = menu;
    window.removeEventListener("pointerdown", this.outside, true);
    if (!menu) return;
    window.addEventListener("pointerdown", this.outside, true);
    const list = this.querySelector<HTMLElement>(".menu")!;
    // Wholly on the page, however near to its edge it was asked for.
    list.style.left = `${Math.max(4, Math.min(menu.x + 2, innerWidth - list.offsetWidth - 4))}px`;
    list.style.top = `${Math.max(4, Math.min(menu.y + 2, innerHeight - list.offsetHeight - 4))}px`;
    this.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }

  private close(back = true): void {
    if (!this.session.menu) return;
    this.session.openMenu(null);
    if (back) toStage();
  }

  private items(menu: Wanted): Item[][] {
    const { session } = this;
    const groups: Item[][] = [[]];
    for (const line of menu.on ? ON : PLACE) {
      if (line === null) groups.push([]);
      else if (typeof line !== "string") {
        if (line.when?.(session) ?? true) groups.at(-1)!.push({ label: line.label, key: this.keyOf(line.like), run: () => line.run(session, menu) });
      } else {
        const action = ACTIONS.find((a) => a.id === line)!;
        if ((action.when?.(session) ?? true) && (SENSE[line]?.(session) ?? true)) groups.at(-1)!.push({ label: this.labelOf(line, action.label), key: this.keyOf(line), run: () => action.run(session) });
      }
    }
    return groups.filter((group) => group.length);
  }

  private keyOf(id: string | undefined): string {
    const action = ACTIONS.find((a) => a.id === id);
    return action ? (keysOf(this.session, action).map(shown)[0] ?? "") : "";
  }

  private labelOf(id: string, label: string): string {
    const { session } = this;
    const ids = [...session.selection.ids];
    if (id === "object.hide") return ids.length ? (ids.some((one) => !session.selection.hidden(one)) ? "Hide" : "Show") : "Hide or show everything";
    if (id === "object.lock") return ids.some((one) => !objects.locked(session, session.store.get(one)!)) ? "Lock" : "Unlock";
    return label;
  }

  private heading(menu: Wanted): string {
    const { selection, store, ontology, bench } = this.session;
    if (!menu.on) return "This place";
    if (selection.only === null) return `${selection.ids.size.toLocaleString("en")} objects`;
    const shape = bench.shapeOf(selection.only);
    return `${ontology.label(store.get(selection.only)!.class)} ${selection.only}${shape ? `, ${kindLabel(shape.type).toLowerCase()}` : ""}`;
  }

  private key(e: KeyboardEvent): void {
    e.stopPropagation();
    const items = [...this.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[e.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (e.key === "Escape" || e.key === "Tab") this.close();
    else return;
    e.preventDefault();
  }

  override render(): TemplateResult | typeof nothing {
    const { menu } = this.session;
    if (!menu) return nothing;
    const run = (item: Item): void => {
      this.close();
      item.run();
      this.session.bench.changed.emit();
    };
    return html`<div class="menu" role="menu" aria-label=${this.heading(menu)} @keydown=${(e: KeyboardEvent) => this.key(e)} @contextmenu=${(e: Event) => e.preventDefault()}>
      <p class="muted">${this.heading(menu)}</p>
      ${this.items(menu).map((group) => html`<div role="group">${group.map((item) => html`<button role="menuitem" tabindex="-1" @click=${() => run(item)}><span>${item.label}</span>${item.key ? html`<kbd>${item.key}</kbd>` : nothing}</button>`)}</div>`)}
    </div>`;
  }
}
