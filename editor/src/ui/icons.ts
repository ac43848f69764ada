// Icons from Lucide (ISC licence), put into the bundle at build time: an icon is one import and one line here.

import { html, type TemplateResult } from "lit";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import pointer from "lucide-static/icons/mouse-pointer-2.svg";
import hand from "lucide-static/icons/hand.svg";
import square from "lucide-static/icons/square.svg";
import diamond from "lucide-static/icons/diamond.svg";
import pentagon from "lucide-static/icons/pentagon.svg";
import line from "lucide-static/icons/spline.svg";
import reshape from "lucide-static/icons/spline-pointer.svg";
import point from "lucide-static/icons/circle-dot.svg";
import landmarks from "lucide-static/icons/waypoints.svg";
import person from "lucide-static/icons/person-standing.svg";
import box from "lucide-static/icons/box.svg";
import brush from "lucide-static/icons/brush.svg";
import bucket from "lucide-static/icons/paint-bucket.svg";
import lasso from "lucide-static/icons/lasso.svg";
import eraser from "lucide-static/icons/eraser.svg";
import undo from "lucide-static/icons/undo-2.svg";
import redo from "lucide-static/icons/redo-2.svg";
import eye from "lucide-static/icons/eye.svg";
import eyeOff from "lucide-static/icons/eye-off.svg";
import lock from "lucide-static/icons/lock.svg";
import lockOpen from "lucide-static/icons/lock-open.svg";
import trash from "lucide-static/icons/trash-2.svg";
import copy from "lucide-static/icons/copy.svg";
import search from "lucide-static/icons/search.svg";
import comment from "lucide-static/icons/message-square.svg";
import book from "lucide-static/icons/book-open.svg";
import image from "lucide-static/icons/image.svg";
import keyboard from "lucide-static/icons/keyboard.svg";
import left from "lucide-static/icons/chevron-left.svg";
import right from "lucide-static/icons/chevron-right.svg";
import first from "lucide-static/icons/skip-back.svg";
import last from "lucide-static/icons/skip-forward.svg";
import play from "lucide-static/icons/play.svg";
import pause from "lucide-static/icons/pause.svg";
import sun from "lucide-static/icons/sun.svg";
import moon from "lucide-static/icons/moon.svg";
import sliders from "lucide-static/icons/settings-2.svg";
import x from "lucide-static/icons/x.svg";
import check from "lucide-static/icons/check.svg";
import panel from "lucide-static/icons/panel-right.svg";
import history from "lucide-static/icons/history.svg";
import fit from "lucide-static/icons/maximize.svg";
import list from "lucide-static/icons/list.svg";
import alert from "lucide-static/icons/triangle-alert.svg";
import cloud from "lucide-static/icons/cloud.svg";
import cloudOff from "lucide-static/icons/cloud-off.svg";
import back from "lucide-static/icons/corner-up-left.svg";
import plus from "lucide-static/icons/plus.svg";
import minus from "lucide-static/icons/minus.svg";
import more from "lucide-static/icons/ellipsis.svg";
import pin from "lucide-static/icons/map-pin.svg";
import clock from "lucide-static/icons/clock.svg";
import tag from "lucide-static/icons/tag.svg";
import saved from "lucide-static/icons/circle-check.svg";
import magnet from "lucide-static/icons/magnet.svg";
import scissors from "lucide-static/icons/scissors.svg";
import puzzle from "lucide-static/icons/puzzle.svg";
import sparkles from "lucide-static/icons/sparkles.svg";
import skip from "lucide-static/icons/chevrons-right.svg";

const ICONS: Record<string, string> = {
  pointer, hand, square, diamond, pentagon, line, reshape, point, landmarks, person, box, brush, bucket, lasso, eraser, undo, redo, eye, eyeOff, lock, lockOpen, trash, copy, search, comment, book, image, keyboard, left, right, first, last, play, pause, sun, moon, sliders, x, check, panel, history, fit, list, alert, cloud, cloudOff, back, plus, minus, more, pin, clock, tag, saved, skip, magnet, scissors, puzzle, sparkles,
};

/** An icon by its name here; decorative, so what it means must be said beside it. */
export const icon = (name: string): TemplateResult => html`<span class="icon" aria-hidden="true">${unsafeHTML(ICONS[name] ?? ICONS.more)}</span>`;
