// The shared examples of the protocol, as files.

import { readFileSync } from "node:fs";

/** Tests run from this package's folder, compiled. */
const FOLDER = new URL("../../../../../spec/vectors/", import.meta.url);

export function vectors<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as T;
}

/** A text, or a list of texts and repetitions of texts. */
export type Text = string | (string | { repeat: string; times: number })[];

export function written(text: Text): string {
  if (typeof text === "string") return text;
  return text.map((part) => (typeof part === "string" ? part : part.repeat.repeat(part.times))).join("");
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
