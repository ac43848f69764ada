// Time spent on the task, counted while the person does something, and told to the server with each heartbeat.

import { ApiError } from "../store/api.ts";
import type { Session } from "./session.ts";

const BEAT = 20_000;
const IDLE = 60_000;

export class Clock {
  private lastActive = Date.now();
  private counted = 0;
  private total: number;
  private readonly timer: ReturnType<typeof setInterval>;
  private sinceBeat = 0;
  private stopped = false;

  constructor(private readonly session: Session) {
    this.total = session.work.task.seconds;
    this.timer = setInterval(() => this.second(), 1000);
  }

  /** Something was done just now. */
  touch(): void {
    this.lastActive = Date.now();
  }

  /** Seconds on this task, of all visits. */
  get seconds(): number {
    return Math.floor(this.total);
  }

  private second(): void {
    if (Date.now() - this.lastActive < IDLE && !document.hidden) {
      this.counted++;
      this.total++;
    }
    this.sinceBeat += 1000;
    if (this.sinceBeat >= BEAT) void this.beat();
  }

  /** Tells what is counted so far. */
  flush(): void {
    if (this.counted > 0) void this.beat();
  }

  private async beat(): Promise<void> {
    const { session } = this;
    this.sinceBeat = 0;
    if (!session.sync.lease || session.looking || this.stopped) return;
    const seconds = this.counted;
    this.counted = 0;
    try {
      await session.api.heartbeat(session.work.task.uid, session.sync.lease, seconds);
    } catch (error) {
      this.counted += seconds;
      if (error instanceof ApiError && error.code === "lease_lost") session.sync.loseLease(error.message);
      if (error instanceof ApiError && error.code === "job_stopped") session.sync.jobStopped(error.message);
      if (error instanceof ApiError && error.status === 401) session.sync.signOut(error.message);
    }
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }
}
