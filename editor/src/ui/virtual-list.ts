// A list of any length that keeps only the rows in sight on the page.

import { html, type TemplateResult } from "lit";

export interface Rows<T> {
  items: readonly T[];
  /** Height of a row in pixels. */
  height: number;
  top: number;
  room: number;
  row(item: T, index: number): TemplateResult;
}

const SPARE = 6;

export function visibleRows<T>({ items, height, top, room, row }: Rows<T>): TemplateResult {
  const first = Math.max(0, Math.floor(top / height) - SPARE);
  const last = Math.min(items.length, Math.ceil((top + room) / height) + SPARE);
  return html`
    <div class="all-rows" .style=${`height:${items.length * height}px`}>
      <div class="seen-rows" .style=${`transform:translateY(${first * height}px)`}>
        ${items.slice(first, last).map((item, i) => row(item, first + i))}
      </div>
    </div>`;
}
