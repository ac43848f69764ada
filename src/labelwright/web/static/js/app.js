/* Behaviour that HTML has not: dialogs, menus, copying, toasts, the palette, selecting items, reordering.
   Everything is bound to data attributes through one listener each, so that swapped-in parts work as well. */
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/* Dialogs: data-dialog="id" opens, data-close closes; a part loaded into #modal-body opens the shared one. */
function openDialog(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  const first = $("[autofocus], .dialog-body input:not([type=hidden]), .dialog-body textarea, .dialog-body select", dialog);
  if (first) first.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) { event.preventDefault(); openDialog(document.getElementById(opener.dataset.dialog)); }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = $("details.menu[open]");
  if (menu) { menu.open = false; $("summary", menu).focus(); }
});
document.addEventListener("htmx:after:swap", () => {
  const body = $("#modal-body");
  if (body && body.children.length && !$("#modal").open) openDialog($("#modal"));
  paintSelection();
});
$("#modal")?.addEventListener("close", () => $("#modal-body").replaceChildren());

/* Copy: data-copy="text" or data-copy-from="#id". */
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? $(button.dataset.copyFrom).textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    (button.closest("dialog") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  toast("Copied.");
});

/* A menu in a table or board that scrolls would be cut off at its edge: it is placed by the window instead. */
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.open || !menu.matches("details.menu") || !menu.closest(".scroll-x, .board")) return;
  const items = $(".menu-items", menu), at = $("summary", menu).getBoundingClientRect();
  items.style.position = "fixed";
  items.style.right = `${document.documentElement.clientWidth - at.right}px`;
  const under = at.bottom + 4 + items.offsetHeight <= window.innerHeight;
  items.style.top = under ? `${at.bottom + 4}px` : `${Math.max(4, at.top - 4 - items.offsetHeight)}px`;
}, true);
document.addEventListener("scroll", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target) && menu.closest(".scroll-x, .board")) menu.open = false;
}, true);

/* Try: data-try="address" of the API is called; what came of it is told in the button's data-try-into. */
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-try]");
  if (!button) return;
  const into = $(button.dataset.tryInto);
  button.disabled = true;
  into.textContent = "Asking…";
  try {
    const answer = await fetch(button.dataset.try, { method: "POST", credentials: "same-origin" });
    const body = await answer.json();
    into.textContent = answer.ok ? `Answered in ${body.seconds} s with ${body.objects} object${body.objects === 1 ? "" : "s"}.` : body.detail;
  } catch {
    into.textContent = "The server did not answer.";
  }
  button.disabled = false;
});

/* Toasts */
function toast(text) {
  const region = $("#toasts");
  if (!region) return;
  const line = document.createElement("div");
  line.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "✕";
  close.addEventListener("click", () => line.remove());
  line.append(words, close);
  region.append(line);
  setTimeout(() => line.remove(), 6000);
}
document.addEventListener("toast", (event) => toast(event.detail?.text ?? ""));
document.addEventListener("htmx:error", (event) => {
  if (!event.detail?.ctx?.response) toast("The server did not answer. Nothing was changed; try again.");
});

/* Faults of a form: the server names fields in data-fault; the inputs are marked and described. */
const faultsShown = new WeakSet();
document.addEventListener("htmx:after:swap", () => {
  for (const form of $$("form")) {
    const errors = $(".form-error", form);
    if (!errors) continue;
    for (const input of $$("[aria-invalid]", form)) input.removeAttribute("aria-invalid");
    for (const note of $$(".field-fault", form)) note.remove();
    let first = null;
    for (const fault of $$("[data-fault]", errors)) {
      const input = form.elements.namedItem(fault.dataset.fault);
      if (!(input instanceof HTMLElement)) continue;
      input.setAttribute("aria-invalid", "true");
      // In a long form the fault also stands beside its field.
      if (!("inlineFaults" in form.dataset)) continue;
      const note = document.createElement("span");
      note.className = "field-fault";
      note.textContent = fault.textContent;
      input.closest(".field, .settings, .recipe-step")?.append(note);
      first ??= input;
    }
    if (first && !faultsShown.has(errors.firstElementChild)) {
      faultsShown.add(errors.firstElementChild);
      first.focus({ preventScroll: true });
      first.scrollIntoView({ block: "center" });
    }
  }
});

/* Confirming: a button with data-confirm asks in the shared dialog's words first. */
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);

/* Theme */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-choice]");
  if (!button) return;
  const choice = button.dataset.themeChoice;
  document.documentElement.dataset.theme = choice;
  document.cookie = `theme=${choice}; path=/; max-age=31536000; samesite=lax`;
  for (const other of $$("[data-theme-choice]")) other.setAttribute("aria-pressed", String(other === button));
});

/* Command palette */
const palette = $("#palette");
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    openDialog(palette);
    $("input", palette).select();
  }
});
palette?.addEventListener("keydown", (event) => {
  const links = $$(".palette-results a", palette);
  const at = links.findIndex((link) => link.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = links[(at + (event.key === "ArrowDown" ? 1 : -1) + links.length) % links.length];
    links.forEach((link) => link.setAttribute("aria-selected", String(link === next)));
    next?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter" && links.length) {
    event.preventDefault();
    (links[at] ?? links[0]).click();
  }
});

/* Selecting tiles or rows: check boxes named "item"; Shift extends; the bar shows the number. */
let lastPicked = null;
function paintSelection() {
  const bar = $("#selection");
  if (!bar) return;
  const picked = $$("input[name=item]:checked");
  bar.hidden = picked.length === 0;
  $("#selection-count").textContent = picked.length.toLocaleString("en");
  $(".gallery")?.classList.toggle("picking", picked.length > 0);
}
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.name !== "item") return;
  const boxes = $$("input[name=item]");
  if (event.shiftKey && lastPicked && boxes.includes(lastPicked)) {
    const [from, to] = [boxes.indexOf(lastPicked), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
  }
  lastPicked = box;
  paintSelection();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-pick-all], [data-pick-none]")) return;
  const all = Boolean(event.target.closest("[data-pick-all]"));
  for (const box of $$("input[name=item]")) box.checked = all;
  paintSelection();
});

/* Gallery: thumbnail size and labels on or off, kept in this browser. */
function applyGallery() {
  const gallery = $(".gallery");
  if (!gallery) return;
  const size = localStorage.getItem("gallery-size");
  if (size) gallery.style.setProperty("--cell", `${Number(size)}px`);
  gallery.classList.toggle("hide-labels", localStorage.getItem("gallery-labels") === "off");
  const slider = $("#gallery-size");
  if (slider && size) slider.value = size;
  $("#gallery-labels")?.setAttribute("aria-pressed", String(localStorage.getItem("gallery-labels") !== "off"));
}
$("#gallery-size")?.addEventListener("input", (event) => { localStorage.setItem("gallery-size", event.target.value); applyGallery(); });
$("#gallery-labels")?.addEventListener("click", () => {
  localStorage.setItem("gallery-labels", localStorage.getItem("gallery-labels") === "off" ? "on" : "off");
  applyGallery();
});
applyGallery();

/* Colours to choose from: data-color on a button fills the form's colour input. */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-color]");
  if (button) button.closest("form").elements.namedItem("color").value = button.dataset.color;
});

/* Reordering: rows with data-row in a data-order list, dragged by their grip or moved with Alt+arrows. */
function sendOrder(list) {
  const values = $$("[data-row]", list).map((row) => row.dataset.row);
  const form = document.getElementById(list.dataset.order);
  form.elements.namedItem("order").value = values.join(",");
  form.requestSubmit();
}
document.addEventListener("dragstart", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) { row.classList.add("dragging"); event.dataTransfer.effectAllowed = "move"; }
});
document.addEventListener("dragover", (event) => {
  const moving = $(".dragging");
  const over = event.target.closest?.("[data-row]");
  if (!moving || !over || over === moving || over.parentElement !== moving.parentElement) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  over.parentElement.insertBefore(moving, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
});
document.addEventListener("dragend", () => {
  const moved = $(".dragging");
  if (!moved) return;
  moved.classList.remove("dragging");
  sendOrder(moved.closest("[data-order]"));
});
document.addEventListener("keydown", (event) => {
  const grip = event.target.closest?.(".grip");
  if (!grip || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  const row = grip.closest("[data-row]");
  const other = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  row.parentElement.insertBefore(row, event.key === "ArrowUp" ? other : other.nextSibling);
  grip.focus();
  sendOrder(row.closest("[data-order]"));
});

/* Forms that apply themselves as soon as something is chosen. */
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form) form.requestSubmit();
});

/* The present tab is in view where tabs scroll. */
for (const current of $$(".tabs [aria-current], .side-nav [aria-current]")) {
  const strip = current.parentElement;
  strip.scrollLeft = current.offsetLeft - (strip.clientWidth - current.clientWidth) / 2;
}
