// What a client does after a close (protocol, section 10).

export type AfterClose = "reconnect" | "resume" | "forget" | "stay";

/** Nobody was logged in for too long. */
export const IDLE = 4401;
/** The session ran out of time. */
export const EXPIRED = 4410;
const REVOKED = 4403;
/** A newer connection has the session. */
export const SUPERSEDED = 4409;

const STAY: readonly (number | null)[] = [1000, 1002, 1007, 1009, 4400, SUPERSEDED];

/** `code` is null where the connection broke without one. Codes that nobody knows say nothing against the session. */
export function afterClose(code: number | null): AfterClose {
  if (code === REVOKED || code === EXPIRED) return "forget";
  if (code === IDLE) return "resume";
  return STAY.includes(code) ? "stay" : "reconnect";
}
