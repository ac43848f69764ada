// A whole visit to a task without a browser: the real session, saving and asking a server whose answers the test gives.

import { Ahead } from "../src/actions/ahead.ts";
import { ACTIONS } from "../src/actions/actions.ts";
import { Session } from "../src/actions/session.ts";
import { Pictures } from "../src/editor/picture.ts";
import type { LabelObject } from "../src/model/document.ts";
import type { Attribute, Save, Work } from "../src/model/work.ts";
import { Api } from "../src/store/api.ts";
import { MemoryJournal } from "../src/store/journal.ts";
import { openDocument } from "../src/store/open.ts";
import { SettingsStore } from "../src/store/settings.ts";
import { CLASSES } from "./driver.ts";

// What the session takes from the page.
Object.assign(globalThis, { window: new EventTarget(), document: Object.assign(new EventTarget(), { hidden: true }), sessionStorage: { setItem: () => undefined } });
const later = globalThis.setTimeout;
// Notices that go away after seconds need not be waited for.
globalThis.setTimeout = ((run: () => void, ms?: number) => {
  const timer = later(run, ms);
  if ((ms ?? 0) >= 1000) timer.unref();
  return timer;
}) as typeof setTimeout;

/** Everything that has been answered has been looked at. */
export const settled = (): Promise<void> => new Promise((resolve) => later(resolve, 0));

/** A request that waits for its answer. */
interface Waiting {
  path: string;
  body: Record<string, unknown>;
  aborted: boolean;
  answer(value: unknown, status?: number): Promise<void>;
  /** The network fails. */
  fail(): Promise<void>;
}

/** The server's side: saves are answered at once, all else waits for the test. */
export class Server {
  readonly waiting: Waiting[] = [];
  readonly saves: Save[] = [];
  /** Ids that the next save gives to new objects. */
  renamed: Record<string, number> = {};
  private version = 0;

  constructor() {
    globalThis.fetch = (input, init) => this.take(String(input), init ?? {});
  }

  private take(path: string, { method, body, signal }: RequestInit): Promise<Response> {
    const sent = body ? (JSON.parse(String(body)) as Record<string, unknown>) : {};
    if (method === "PATCH") {
      this.saves.push(sent as unknown as Save);
      const { renamed } = this;
      this.renamed = {};
      return Promise.resolve(Response.json({ version: ++this.version, renamed, merged: [], deleted: [] }));
    }
    return new Promise((resolve, reject) => {
      const end = (act: () => void): Promise<void> => {
        this.waiting.splice(this.waiting.indexOf(one), 1);
        act();
        // The answer's text is read in a few turns.
        return settled().then(settled).then(settled);
      };
      const one: Waiting = {
        path, body: sent, aborted: false,
        answer: (value, status = 200) => end(() => resolve(Response.json(value, { status }))),
        fail: () => end(() => reject(new TypeError("fetch failed"))),
      };
      signal?.addEventListener("abort", () => {
        one.aborted = true;
        reject(signal.reason as Error);
      });
      this.waiting.push(one);
    });
  }

  /** The one request whose path ends so and that was not given up. */
  one(end: string): Waiting {
    const open = this.waiting.filter((w) => w.path.endsWith(end) && !w.aborted);
    if (open.length !== 1) throw new Error(`${open.length} requests of ${end} wait`);
    return open[0];
  }
}

export interface Given {
  objects?: LabelObject[];
  frames?: number;
  limits?: Work["job"]["limits"];
  semantic?: boolean;
  /** Why nothing can be changed. */
  looking?: string;
  attributes?: Attribute[];
  help?: Partial<Work["help"]>;
}

/** A video (or, with one frame, an image) with these objects, held by this person. */
export async function visit({ objects = [], frames = 100, limits = {}, semantic = false, looking = "", attributes = [], help = {} }: Given = {}): Promise<{ session: Session; server: Server }> {
  const server = new Server();
  const kind = frames > 1 ? "video" : "image";
  const media = { url: "/picture", mime: kind === "video" ? "video/mp4" : "image/png" };
  const work: Work = {
    task: { uid: "t", stage: "label", state: "held", step: "label", step_name: "Label", lease: "l", lease_until: null, holder: null, author: null, priority: 0, returned: 0, seconds: 0 },
    project: { uid: "p", name: "P", slug: "p", kind, instructions: "", reasons: [], semantic },
    job: { uid: "j", name: "J", instructions: "", allowed_classes: null, allowed_attributes: null, read_only_attributes: [], limits },
    item: { uid: "i", name: "I", kind, width: 1000, height: 500, frame_count: frames, media_state: "ready", media_error: "", media, frames: [], references: [] },
    ontology: { classes: CLASSES, attributes },
    document: { version: 0, objects },
    comments: [],
    help: { tools: ["outline", "cutout", "superpixels", "track"], models: [{ uid: "m", name: "Finder", asks: ["box", "point", "whole"] }], ...help },
    can: { edit: true, submit: true, review: false, lock: false },
  };
  const api = new Api();
  const opened = await openDocument(work, api, new MemoryJournal());
  const session = new Session(api, work, opened, new SettingsStore(null), looking, new Pictures(), new Ahead(api));
  return { session, server };
}

/** Runs a command as its key would; one that is not offered now is not run. */
export function press(session: Session, id: string): void {
  const action = ACTIONS.find((a) => a.id === id)!;
  if (action.when?.(session) !== false) action.run(session);
}
