// One tab works on an item at a time. A person's tabs share the journal and the lease, so a second tab only looks on
// until it asks for the seat; the first one then saves what it has, steps back, and shows that it did.

import { uuid } from "./uuid.ts";

type Kind = "who" | "here" | "give" | "given" | "saved";

interface Message {
  kind: Kind;
  from: string;
}

/** A tab that works answers much faster; a frozen one does not answer, nor does it work. */
const ANSWER = 250;
const PATIENCE = 5000;

export class Seat {
  /** Another tab wants to work here: save and stop, then resolve. */
  give: () => Promise<void> = () => Promise.resolve();
  /** The tab that works has saved something. */
  told: () => void = () => undefined;
  private readonly id = uuid();
  private readonly channel: BroadcastChannel;
  private state: "out" | "asking" | "seated" = "out";
  private closed = false;
  private readonly waiting = new Map<Kind, () => void>();

  constructor(item: string) {
    this.channel = new BroadcastChannel(`labelwright-seat-${item}`);
    this.channel.onmessage = (e: MessageEvent<Message>) => void this.heard(e.data);
  }

  /** Takes the seat unless another tab has it; true when this tab may work. */
  async take(): Promise<boolean> {
    this.state = "asking";
    const taken = await this.taken();
    this.state = taken ? "out" : "seated";
    return !taken;
  }

  /** Does another tab work here? For one that was frozen, and may have been taken for gone. */
  async taken(): Promise<boolean> {
    return this.answer("who", "here", ANSWER);
  }

  /** Asks the tab that works to save and step back; resolves when it has, or when it does not answer any more. */
  async demand(): Promise<void> {
    if (await this.taken()) await this.answer("give", "given", PATIENCE);
  }

  /** Tells tabs that look on that there is something new to see. */
  tell(): void {
    if (this.state === "seated") this.say("saved");
  }

  /** Leaves the seat and hears nothing more. */
  close(): void {
    this.state = "out";
    this.closed = true;
    this.channel.close();
  }

  private say(kind: Kind): void {
    if (!this.closed) this.channel.postMessage({ kind, from: this.id } satisfies Message);
  }

  /** Says something; true when the answer comes in time. */
  private answer(say: Kind, wanted: Kind, time: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (answered: boolean): void => {
        clearTimeout(timer);
        this.waiting.delete(wanted);
        resolve(answered);
      };
      const timer = setTimeout(() => settle(false), time);
      this.waiting.set(wanted, () => settle(true));
      this.say(say);
    });
  }

  private async heard({ kind, from }: Message): Promise<void> {
    this.waiting.get(kind)?.();
    if (kind === "saved" && this.state === "out") this.told();
    // Two that ask at the same moment: the lower id sits down.
    if (kind === "who" && (this.state === "seated" || (this.state === "asking" && this.id < from))) this.say("here");
    if (kind === "give" && this.state === "seated") {
      await this.give();
      this.state = "out";
      this.say("given");
    }
  }
}
