// What a program can ask for, in whichever tab.

import type { Question } from "./messages.js";
import type { Status } from "./state.js";

/** Frames of the application. */
export type Data = string | ArrayBuffer;

/** It passes between tabs as it stands. */
export type Command =
  | { readonly do: "send"; readonly data: Data }
  | { readonly do: "login"; readonly username: string; readonly password: string; readonly register: boolean }
  | { readonly do: "logout"; readonly everywhere: boolean }
  | { readonly do: "refresh" }
  | { readonly do: "question"; readonly question: Question }
  | { readonly do: "connect" };

/** What to do with a command. Otherwise it is refused with this code. */
type Readiness = "go" | "hold" | "start" | "not_logged_in" | "already_authorized" | "stopped";

export function readiness({ do: wish }: Command, { status }: Status): Readiness {
  const isAway = status === "waiting" || status === "stopped";
  if (wish === "connect") return isAway ? "start" : "go";
  if (status === "stopped") return wish === "login" ? "start" : "stopped";
  if (status === "logged-out") return wish === "login" || wish === "logout" ? "go" : "not_logged_in";
  if (status !== "authenticated") return "hold";
  return wish === "login" ? "already_authorized" : "go";
}
