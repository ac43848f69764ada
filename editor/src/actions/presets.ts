// Keys for people who come from another tool: only where theirs differ from ours.

export interface Preset {
  name: string;
  keys: Record<string, string[]>;
}

export const PRESETS: readonly Preset[] = [
  {
    name: "CVAT",
    keys: {
      "frame.next": ["F"], "frame.previous": ["D"], "frame.ahead": ["V"], "frame.back": ["C"], "frame.nextKey": ["R"], "frame.previousKey": ["E"],
      "track.key": ["K"], "track.outside": ["O"], "object.hide": ["H"], "object.lock": ["L"], "select.next": ["Tab"], "task.help": ["F1"], "edit.copy": ["Ctrl+C"],
      "tool.select": [], "tool.polyline": [], "tool.point": [], "tool.oriented_rectangle": [], "tool.cuboid": [], "review.reject": [], "view.theme": [],
    },
  },
  {
    name: "Label Studio",
    keys: {
      "tool.rectangle": ["R"], "tool.polygon": ["P"], "tool.brush": ["B"], "tool.eraser": ["E"], "tool.pan": ["H"], "object.hide": ["Alt+H"], "frame.nextKey": ["Alt+ArrowRight"], "frame.previousKey": ["Alt+ArrowLeft"],
      "view.in": ["Ctrl++", "+"], "view.out": ["Ctrl+-", "-"], "edit.duplicate": ["Ctrl+D"], "review.reject": [],
    },
  },
  {
    name: "Roboflow",
    keys: { "tool.rectangle": ["B"], "tool.polygon": ["P"], "tool.pan": ["D"], "tool.select": ["V"], "frame.next": ["ArrowRight"], "frame.previous": ["ArrowLeft"], "edit.duplicate": ["Ctrl+D"], "object.hide": ["H"], "tool.brush": ["M"] },
  },
  {
    name: "Supervisely",
    keys: { "tool.rectangle": ["3"], "tool.polygon": ["4"], "tool.polyline": ["5"], "tool.brush": ["7"], "tool.eraser": ["8"], "tool.select": ["1"], "tool.pan": ["2"], "class.1": [], "class.2": [], "class.3": [], "class.4": [], "class.5": [], "class.7": [], "class.8": [], "class.search": ["C", "/"], "tool.cuboid": ["9"], "class.9": [] },
  },
];
