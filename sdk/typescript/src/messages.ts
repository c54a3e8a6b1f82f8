// The messages of the protocol (sections 6 to 9): what this client sends, and the server's as it reads them.

import type { Grant } from "./record.js";

/** A public key as `Login` carries it (RFC 7517); private members never leave the key store. */
export type PublicKey =
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };

export type Credentials = {
  readonly type: "Login" | "Register";
  readonly username: string;
  readonly password: string;
  readonly key?: PublicKey | undefined;
};

/** What is answered. */
export type Wish =
  | Credentials
  | { readonly type: "RefreshToken"; readonly token: string; readonly attempt?: string; readonly proof?: string }
  | { readonly type: "Logout"; readonly everywhere: boolean }
  | { readonly type: "Revoke"; readonly session: string }
  | { readonly type: "ChangePassword"; readonly old_password: string; readonly new_password: string }
  | { readonly type: "Sessions" | "Ticket" | "Ping" };

export type Request = (Wish & { readonly id: number | string }) | { readonly type: "Ack"; readonly generation: number };

/** Another session of the same user, as `sessions()` lists them. Times are seconds since the Unix epoch. */
export interface SessionEntry {
  readonly session: string;
  readonly created_at: number;
  readonly last_seen_at: number;
  /** Whether a connection to this client's node of the server is bound to it now. */
  readonly online: boolean;
  readonly address: string;
  readonly agent: string;
  /** Whether it is the session of this client. */
  readonly current: boolean;
}

type Text = "token" | "session" | "reason" | "nonce" | "ticket";
type Count = "generation" | "expires_at" | "refresh_at" | "retry_after" | "reconnect_after" | "heartbeat";

const TEXTS = "type token session reason nonce ticket".split(" ");
/** Whole numbers from 0 to 2^53 - 1. */
const COUNT = /^(generation|heartbeat)$|_(at|after)$/;

/**
 * Any message from a server: the fields that this client looks at, each of them absent where it is not what it should
 * be. A client ignores what it does not know.
 */
export type Incoming = {
  readonly type: string;
  readonly id?: unknown;
  readonly sessions?: readonly SessionEntry[];
} & { readonly [Field in Text]?: string } & { readonly [Field in Count]?: number };

/** Null where the text is no JSON object with a `type`: that is ignored like every other unknown message. */
export function readMessage(json: string): Incoming | null {
  try {
    const message = JSON.parse(json, (name, value) => {
      const isRight = TEXTS.includes(name)
        ? typeof value === "string"
        : !COUNT.test(name) || (Number.isSafeInteger(value) && value >= 0);
      return isRight ? value : undefined;
    });
    return message?.type ? message : null;
  } catch {
    return null;
  }
}

/** What a `Success` or `Registered` grants; null where it is not whole. */
export function grantOf({ session, generation, token, expires_at, refresh_at }: Incoming): Grant | null {
  if (!session || generation === undefined || !expires_at || !refresh_at) return null;
  return { session, generation, expires_at, refresh_at, token };
}
