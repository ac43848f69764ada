// Keys for people who come from another tool: only where theirs differ from ours.

export interface Preset {
  name: string;
  keys: Record<string, string[]>;
  /** A class that is chosen is drawn at once, as there. */
  classDraws?: boolean;
}

export const PRESETS: readonly Preset[] = [
  {
    name: "CVAT",
    keys: {
      "frame.next": ["F"], "frame.previous": ["D"], "frame.ahead": ["V"], "frame.back": ["C"], "frame.nextKey": ["R"], "frame.previousKey": ["E"],
      "track.key": ["K"], "track.outside": ["O"], "object.hide": ["H"], "object.lock": ["L"], "select.next": ["Tab"], "task.help": ["F1"], "edit.copy": ["Ctrl+C"],
      "tool.select": [], "tool.polyline": [], "tool.point": [], "tool.oriented_rectangle": [], "tool.cuboid": [], "review.reject": ["Shift+R"], "view.theme": [],
      "tool.again": ["N"], "task.next": ["Shift+N"], "track.merge": ["M", "Ctrl+M"], "tool.brush": [], "object.group": ["G", "Ctrl+G"], "tool.outline": [], "track.split": ["Alt+M"], "model.next": [], "track.propagate": ["Ctrl+B"],
    },
  },
  {
    name: "Label Studio",
    keys: {
      "tool.rectangle": ["R"], "tool.polygon": ["P"], "tool.brush": ["B"], "tool.eraser": ["E"], "tool.pan": ["H"], "object.hide": ["Alt+H"], "frame.nextKey": ["Alt+ArrowRight"], "frame.previousKey": ["Alt+ArrowLeft"],
      "view.in": ["Ctrl++", "Ctrl+=", "+", "="], "view.out": ["Ctrl+-", "-"], "edit.duplicate": ["Ctrl+D"], "review.reject": ["Shift+R"],
      "edit.cancel": ["Escape", "U"], "track.outside": ["Shift+U"], "task.skip": ["Ctrl+Space"], "select.next": ["Tab", "Alt+."], "select.previous": ["Shift+Tab", "Alt+,"],
    },
    classDraws: true,
  },
  {
    name: "Roboflow",
    keys: { "tool.rectangle": ["B"], "tool.polygon": ["P"], "tool.pan": ["D"], "tool.select": ["V"], "frame.next": ["ArrowRight"], "frame.previous": ["ArrowLeft"], "edit.duplicate": ["Ctrl+D"], "object.hide": ["H"], "tool.brush": ["M"],
      "tool.cutout": ["S"], "tool.skeleton": [], "task.comment": ["C", "T"], "tool.cuboid": [], "edit.repeat": ["R", "Ctrl+Shift+V"], "review.reject": ["Shift+R"],
      // There the arrows go on, whatever is selected.
      "nudge.left": ["Ctrl+ArrowLeft"], "nudge.right": ["Ctrl+ArrowRight"], "nudge.up": ["Ctrl+ArrowUp"], "nudge.down": ["Ctrl+ArrowDown"],
    },
  },
  {
    name: "Supervisely",
    keys: { "tool.rectangle": ["3"], "tool.polygon": ["4"], "tool.polyline": ["5"], "tool.brush": ["7"], "tool.eraser": ["8"], "tool.select": ["1"], "tool.pan": ["2"], "class.1": [], "class.2": [], "class.3": [], "class.4": [], "class.5": [], "class.7": [], "class.8": [], "class.search": ["C", "/"], "tool.cuboid": ["9"], "class.9": [] },
  },
];
