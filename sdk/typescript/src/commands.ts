// What a program can ask for, in whichever tab.

import type { Credentials, Wish } from "./messages.js";
import type { Status } from "./state.js";

/** Frames of the application. */
export type Data = string | ArrayBuffer;

/** It passes between tabs as it stands. */
export type Command =
  | { readonly do: "send"; readonly data: Data }
  | { readonly do: "login"; readonly wish: Credentials }
  | { readonly do: "logout" | "ask"; readonly wish: Wish }
  | { readonly do: "refresh" | "connect" };

/** What to do with a command. Otherwise it is refused with this code. */
type Readiness = "go" | "hold" | "start" | "not_logged_in" | "already_authorized" | "stopped";

export function readiness({ do: what }: Command, { status }: Status, isResting: boolean): Readiness {
  const isLogin = what === "login";
  if (what === "connect") return "go";
  if (status === "stopped") return isLogin ? "start" : "stopped";
  if (status === "logged-out") return isLogin || what === "logout" ? (isResting ? "start" : "go") : "not_logged_in";
  if (status !== "authenticated") return "hold";
  return isLogin ? "already_authorized" : "go";
}
