// The base of every part of the page: drawn in the page itself (one style sheet, one focus order), and drawn again when
// what it shows has changed.

import { LitElement } from "lit";
import type { Session } from "../actions/session.ts";
import type { Emitter } from "../store/emitter.ts";

export abstract class Panel extends LitElement {
  static override properties = { session: { attribute: false } };
  declare session: Session;
  private stops: (() => void)[] = [];

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** What this part shows: it is drawn again when one of these says so. */
  protected abstract sources(): Emitter<never>[];

  override connectedCallback(): void {
    super.connectedCallback();
    this.stops = this.sources().map((source) => (source as unknown as Emitter<unknown>).on(() => this.requestUpdate()));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stops.forEach((stop) => stop());
    this.stops = [];
  }
}

/** The focus goes to the canvas, from where all keys work. */
export const toStage = (): void => document.querySelector<HTMLElement>(".stage")?.focus({ preventScroll: true });

/** Emitters of any kind as sources. */
export const from = (...emitters: Emitter<any>[]): Emitter<never>[] => emitters as unknown as Emitter<never>[];
