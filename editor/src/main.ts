// Starts the editor on the page of one task, and goes on to the next without loading the page again.

import { Ahead } from "./actions/ahead.ts";
import { Session } from "./actions/session.ts";
import { Pictures } from "./editor/picture.ts";
import { Api, ApiError, Offline } from "./store/api.ts";
import { BrowserJournal, MemoryJournal } from "./store/journal.ts";
import { SettingsStore } from "./store/settings.ts";
import { App } from "./ui/app.ts";
import { AttributeList } from "./ui/attribute-list.ts";
import { ClassList } from "./ui/class-list.ts";
import { CommentList } from "./ui/comment-list.ts";
import { Dialogs } from "./ui/dialogs.ts";
import { Guide } from "./ui/guide.ts";
import { HistoryPanel } from "./ui/history-panel.ts";
import { LookPanel } from "./ui/look-panel.ts";
import { Menu } from "./ui/menu.ts";
import { ObjectList } from "./ui/object-list.ts";
import { SidePanel } from "./ui/side-panel.ts";
import { StatusBar } from "./ui/status-bar.ts";
import { Timeline } from "./ui/timeline.ts";
import { ToolBar } from "./ui/tool-bar.ts";
import { TopBar } from "./ui/top-bar.ts";

const PARTS: [string, CustomElementConstructor][] = [
  ["lw-top", TopBar], ["lw-tools", ToolBar], ["lw-side", SidePanel], ["lw-classes", ClassList], ["lw-attributes", AttributeList], ["lw-objects", ObjectList],
  ["lw-comments", CommentList], ["lw-guide", Guide], ["lw-look", LookPanel], ["lw-history", HistoryPanel], ["lw-timeline", Timeline], ["lw-status", StatusBar], ["lw-menu", Menu], ["lw-dialogs", Dialogs], ["lw-app", App],
];
for (const [name, part] of PARTS) customElements.define(name, part);

const api = new Api();
const pictures = new Pictures();
const ahead = new Ahead(api);
const settings = new SettingsStore(window.localStorage);
const app = document.querySelector<App>("lw-app")!;

async function start(): Promise<void> {
  const journal = (await BrowserJournal.open()) ?? new MemoryJournal(false);

  const open = async (task: string, move = false): Promise<void> => {
    try {
      const session = await Session.open(task, api, journal, settings, pictures, ahead);
      // What was open stays in sight until now; its stage goes with everything that listened to it.
      app.session = null;
      await app.updateComplete;
      if (move && location.pathname !== `/work/${task}`) history.pushState(null, "", `/work/${task}`);
      session.goTo = (next) => void go(next);
      document.title = `${session.work.item.name} - ${session.work.job.name || session.work.project.name}`;
      app.session = session;
    } catch (error) {
      if (move) history.pushState(null, "", `/work/${task}`);
      app.fault = faultOf(error);
    }
  };

  const go = async (task: string | null): Promise<void> => {
    if (!task) {
      app.fault = { title: "All done", text: "There is no further task for you in this project just now.", retry: false };
      return;
    }
    app.session?.close();
    await open(task, true);
  };

  window.addEventListener("online", () => app.session?.sync.retry());
  window.addEventListener("focus", () => app.session?.sync.state.kind === "signed_out" && app.session.sync.retry());
  window.addEventListener("popstate", () => location.reload());
  // Chromium asks before leaving only while something is not on the server; the journal has it in any case.
  window.addEventListener("beforeunload", (e) => {
    const session = app.session;
    if (!session || session.over || !session.sync.pending) return;
    session.sync.retry();
    e.preventDefault();
  });
  document.addEventListener("click", (e) => {
    const leave = e.target instanceof Element ? e.target.closest<HTMLAnchorElement>("a.leave") : null;
    if (!leave || !app.session || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    void app.session.release().finally(() => location.assign(leave.href));
  });
  await open(document.body.dataset.task!);
}

function faultOf(error: unknown): App["fault"] {
  if (error instanceof Offline) return { title: "The server does not answer", text: "What you drew before is kept in this browser.", retry: true };
  if (error instanceof ApiError && error.status === 401) return { title: "You are signed out", text: "Sign in again; what you drew is kept in this browser.", retry: true };
  if (error instanceof ApiError && error.status === 404) return { title: "No such task", text: "It may have been deleted, or it belongs to another team.", retry: false };
  return { title: "The task cannot be opened", text: error instanceof Error ? error.message : String(error), retry: true };
}

void start();
