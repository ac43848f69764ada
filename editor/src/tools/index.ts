// All tools, in the toolbar's order: a new tool is one file and one line here.

import { areaTool, fillTool } from "./area.ts";
import { rectangleTool, skeletonTool } from "./boxes.ts";
import { brushTool, eraserTool } from "./brush.ts";
import { landmarksTool, lineTool, polygonTool } from "./chain.ts";
import { cuboidTool } from "./cuboid.ts";
import { cutoutTool } from "./cutout.ts";
import { modelTool } from "./model.ts";
import { orientedTool } from "./oriented.ts";
import { outlineTool } from "./outline.ts";
import { panTool } from "./pan.ts";
import { pointTool } from "./point.ts";
import { reshapeTool } from "./reshape.ts";
import { selectTool } from "./select.ts";
import { superpixelTool } from "./superpixels.ts";
import type { ToolSpec } from "./tool.ts";

export const TOOLS: readonly ToolSpec[] = [
  selectTool, panTool, rectangleTool, orientedTool, polygonTool, lineTool, reshapeTool, pointTool, landmarksTool, skeletonTool, cuboidTool, brushTool, eraserTool, areaTool, fillTool, outlineTool, cutoutTool, superpixelTool, modelTool,
];
