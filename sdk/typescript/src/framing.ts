// Frames of the v1 framing (protocol, section 3.2).

import type { Data } from "./commands.js";

const MARK = "@";

/** The subprotocol that a client offers. */
export const SUBPROTOCOL = "handfast.v1";

/** A frame as it is understood: a message of the protocol as JSON, or the application's own. */
export type Frame = { message: string } | { data: Data; message?: undefined };

export function readFrame(frame: Data): Frame {
  if (typeof frame !== "string" || !frame.startsWith(MARK)) return { data: frame };
  const rest = frame.slice(1);
  return rest.startsWith(MARK) ? { data: rest } : { message: rest };
}

export function writeMessage(json: string): string {
  return MARK + json;
}

export function writeApplication(text: string): string {
  return text.startsWith(MARK) ? MARK + text : text;
}
