/**
 * Session authentication over a WebSocket: log in once, and the connection is the session.
 *
 * @packageDocumentation
 */

export type { Data } from "./commands.js";
export type { Options, Socket } from "./environment.js";
export { HandfastError } from "./errors.js";
export { connect, type Events, type Handfast } from "./handfast.js";
export type { KeyStore } from "./keys.js";
export type { SessionEntry } from "./messages.js";
export type { Ending, LogoutReason, Refusal } from "./reasons.js";
export type { Grant, Owner } from "./record.js";
export type { Authenticated, State, Status } from "./state.js";
export type { TokenStorage } from "./storage.js";
