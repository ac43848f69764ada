// The server's REST API, as far as the editor needs it.

import type { Document } from "../model/document.ts";
import type { Comment, Person, Save, Saved, Work } from "../model/work.ts";

/** An answer other than 2xx: `code` and the problem's other fields as the server gave them. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly body: Record<string, unknown>,
  ) {
    super(detail);
  }
}

/** No answer at all: offline, server gone, or too slow. */
export class Offline extends Error {}

/** One saved change: what it did to each object. */
export interface Revision {
  version: number;
  kind: string;
  at: string;
  user: Person | null;
  changes: { object_id: number; class: string; action: string; fields: string[] }[];
  attributes: string[];
  frames: string[];
}

const TIMEOUT = 20_000;

export class Api {
  constructor(
    private readonly root = "/api/v1",
    private readonly headers: Record<string, string> = {},
  ) {}

  work = (task: string): Promise<Work> => this.call("GET", `/tasks/${task}/work`);
  /** Takes the task. `known`: the version of its labels that is here already; they are not sent again. */
  claim = (task: string, known?: number): Promise<Work> => this.call("POST", `/tasks/${task}/claim${known === undefined ? "" : `?known=${known}`}`);
  /** The task that probably comes after this one; asking takes nothing. */
  following = (task: string): Promise<{ task: string | null }> => this.call("GET", `/tasks/${task}/following`);
  /** When each frame of a video file is shown, in seconds since the first. */
  frameTimes = (item: string): Promise<{ times: number[] }> => this.call("GET", `/items/${item}/frame-times`);
  heartbeat = (task: string, lease: string, seconds: number): Promise<{ lease_until?: string } | null> =>
    this.call("POST", `/tasks/${task}/heartbeat`, { lease, seconds });
  release = (task: string, lease: string): Promise<unknown> => this.call("POST", `/tasks/${task}/release`, { lease });
  skip = (task: string, lease: string, reason: string): Promise<{ next?: string | null } | null> =>
    this.call("POST", `/tasks/${task}/skip`, { lease, reason });
  submit = (task: string, lease: string): Promise<{ next?: string | null }> => this.call("POST", `/tasks/${task}/submit`, { lease, next: true });
  accept = (task: string, lease: string, comment: string): Promise<{ next?: string | null }> =>
    this.call("POST", `/tasks/${task}/accept`, { lease, comment, next: true });
  reject = (task: string, lease: string, reason: string, comment: string): Promise<{ next?: string | null }> =>
    this.call("POST", `/tasks/${task}/reject`, { lease, reason, comment, next: true });
  next = (project: string, stage: "label" | "review"): Promise<{ task: string } | null> => this.call("POST", "/tasks/next", { project, stage });
  save = (item: string, body: Save): Promise<Saved> => this.call("PATCH", `/items/${item}/document`, body);
  document = (item: string, version?: number): Promise<Document> =>
    this.call("GET", `/items/${item}/document${version === undefined ? "" : `?version=${version}`}`);
  history = (item: string, after?: string): Promise<{ results: Revision[]; next: string | null }> =>
    this.call("GET", `/items/${item}/history${after ? `?after=${encodeURIComponent(after)}` : ""}`);
  restore = (item: string, version: number, lease: string | null): Promise<unknown> => this.call("POST", `/items/${item}/restore`, { version, lease });
  comment = (item: string, body: Partial<Comment> & { task?: string }): Promise<Comment> => this.call("POST", `/items/${item}/comments`, body);

  settle = (comment: string, resolved: boolean): Promise<Comment> => this.call("PATCH", `/comments/${comment}`, { resolved });

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch(this.root + path, {
        method,
        credentials: "same-origin",
        headers: body === undefined ? this.headers : { ...this.headers, "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT),
      });
    } catch {
      throw new Offline("No answer from the server");
    }
    return read<T>(answer);
  }
}

async function read<T>(answer: Response): Promise<T> {
  let value: unknown = null;
  try {
    const text = await answer.text();
    value = text ? JSON.parse(text) : null;
  } catch {
    // A proxy's HTML page on the way down counts as no answer when it is an error.
    if (answer.ok) throw new Offline("The answer was cut short");
  }
  if (answer.ok) return value as T;
  if (answer.status >= 500 || answer.status === 429) throw new Offline(`The server answered ${answer.status}`);
  const problem = (value ?? {}) as Record<string, unknown>;
  throw new ApiError(answer.status, String(problem.code ?? answer.status), String(problem.detail ?? problem.title ?? answer.statusText), problem);
}
