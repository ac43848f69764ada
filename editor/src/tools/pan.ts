// The hand: dragging moves the view. The camera itself does that for the middle button, Space and two fingers too.

import type { Desk, Tool, ToolSpec } from "./tool.ts";

const still = (): void => undefined;

const hand: Tool = { state: "idle", hint: () => "Drag to move the picture, turn the wheel to zoom", cursor: () => "grab", down: still, move: still, up: still, cancel: () => false, draw: still };

export const panTool: ToolSpec = { id: "pan", label: "Move the view", icon: "hand", kind: null, make: (_desk: Desk) => hand };
