// Text frames of the v1 framing (protocol, section 3.2).

const MARK = "@";

/** The subprotocol that a client offers. */
export const SUBPROTOCOL = "handfast.v1";

/** A text frame as it is understood: a message of the protocol, or the application's own text. */
export type TextFrame = { message: string } | { application: string };

export function readText(frame: string): TextFrame {
  if (!frame.startsWith(MARK)) return { application: frame };
  const rest = frame.slice(1);
  return rest.startsWith(MARK) ? { application: rest } : { message: rest };
}

export function writeMessage(json: string): string {
  return MARK + json;
}

export function writeApplication(text: string): string {
  return text.startsWith(MARK) ? MARK + text : text;
}
