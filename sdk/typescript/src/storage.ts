// Where the session is kept between connections.

/**
 * A place for one text. What it throws, or rejects with, ends in a logged-out state with the reason `storage`.
 *
 * A program that gives its own keeps it to one client: it is not shared between tabs.
 */
export interface TokenStorage {
  /** Null where nothing was stored. */
  read(): string | null | Promise<string | null>;
  /** Null removes it. What was written must be there after a crash. */
  write(text: string | null): void | Promise<void>;
}

/** `localStorage` or `sessionStorage`. */
export function webStorage(area: Storage, key: string): TokenStorage {
  return {
    read: () => area.getItem(key),
    write: (text) => (text === null ? area.removeItem(key) : area.setItem(key, text)),
  };
}

/** For programs that log in each time they start. */
export function memoryStorage(): TokenStorage {
  let kept: string | null = null;
  return {
    read: () => kept,
    write: (text) => {
      kept = text;
    },
  };
}
