// Base64url without padding (RFC 4648, section 5).

export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Of the UTF-8 of `text`. */
export function textToBase64Url(text: string): string {
  return toBase64Url(new TextEncoder().encode(text));
}
