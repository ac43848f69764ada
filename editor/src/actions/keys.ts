// Keys as text, "Ctrl+Shift+Z": read from an event, shown on the page, and compared.

/** The chord of a key press; letters by what they type, digits by where they are, so that every layout works. */
export function chordOf(e: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">): string {
  let key = e.key === " " ? "Space" : e.key;
  if (/^Digit\d$/.test(e.code)) key = e.code.slice(5);
  else if (/^Key[A-Z]$/.test(e.code) && (e.altKey || !/^[a-z]$/i.test(key))) key = e.code.slice(3);
  if (key.length === 1) key = key.toUpperCase();
  const shifted = e.shiftKey && (key.length > 1 || /^[A-Z0-9]$/.test(key));
  return `${e.ctrlKey || e.metaKey ? "Ctrl+" : ""}${e.altKey ? "Alt+" : ""}${shifted ? "Shift+" : ""}${key}`;
}

const SHOWN: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Delete: "Del", Backspace: "⌫" };

/** A chord as people read it. */
export const shown = (chord: string): string =>
  chord.split(/\+(?=.)/).map((part) => SHOWN[part] ?? part).join(" ");
