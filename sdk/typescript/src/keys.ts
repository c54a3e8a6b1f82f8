// The key of a session: it never leaves the browser, so a copied token is worth nothing.

import { toBase64Url, toBytes } from "./base64url.js";
import type { PublicKey } from "./messages.js";

/** Where the key pair is kept. The private key need not be extractable, and should not be. */
export interface KeyStore {
  /** Null where there is none. */
  load(): Promise<CryptoKeyPair | null>;
  /** Keeps `pair` unless there is one already, as one step; gives the one that is kept. Null, or throws, if none is. */
  save(pair: CryptoKeyPair): Promise<CryptoKeyPair | null>;
}

type Algorithm = { readonly name: "Ed25519" } | { readonly name: "ECDSA"; readonly namedCurve: "P-256" };

/** The first that the browser can make and keep is taken. */
const ALGORITHMS: readonly Algorithm[] = [{ name: "Ed25519" }, { name: "ECDSA", namedCurve: "P-256" }];

/** The public key to log in with; undefined where none can be made or kept. */
export async function publicKey(store: KeyStore | undefined): Promise<PublicKey | undefined> {
  try {
    const pair = store && ((await store.load()) ?? (await create(store)));
    return pair ? await exported(pair.publicKey) : undefined;
  } catch {
    return undefined;
  }
}

async function create(store: KeyStore): Promise<CryptoKeyPair | null> {
  for (const algorithm of ALGORITHMS) {
    try {
      const pair = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
      const kept = await store.save(pair as CryptoKeyPair);
      if (kept) return kept;
    } catch {
      // This browser cannot make such a key, or cannot keep it.
    }
  }
  return null;
}

/** What the kind of key does not have is undefined, so it is not written. */
async function exported(key: CryptoKey): Promise<PublicKey> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  return { kty, crv, x, y } as PublicKey;
}

/**
 * A proof as a JWS in compact serialisation (RFC 7515), its claims named as in RFC 9449 and RFC 7519. `aud` is the URL
 * of the endpoint. Null where the key is gone.
 */
export async function prove(
  store: KeyStore | undefined,
  token: string,
  nonce: string,
  aud: string,
): Promise<string | null> {
  try {
    const pair = await store?.load();
    if (!pair) return null;
    const { privateKey } = pair;
    const { subtle } = crypto;
    const jwk = await exported(pair.publicKey);
    const alg = jwk.kty === "OKP" ? "EdDSA" : "ES256";
    const ath = toBase64Url(await subtle.digest("SHA-256", toBytes(token)));
    const input = [
      { typ: "handfast-proof+jwt", alg, jwk },
      { nonce, aud, ath },
    ]
      .map((part) => toBase64Url(toBytes(JSON.stringify(part))))
      .join(".");
    const algorithm = { name: privateKey.algorithm.name, hash: "SHA-256" };
    return `${input}.${toBase64Url(await subtle.sign(algorithm, privateKey, toBytes(input)))}`;
  } catch {
    return null;
  }
}

const DATABASE = "handfast";
const KEYS = "keys";

/** Keeps the pair in IndexedDB, where a private key that is not extractable stays so. */
export function indexedDbKeys(database: IDBFactory, name: string): KeyStore {
  async function use<T>(mode: IDBTransactionMode, action: (keys: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const opened = await new Promise<IDBDatabase>((resolve, reject) => {
      const opening = database.open(DATABASE, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(KEYS);
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = reject;
    });
    try {
      const transaction = opened.transaction(KEYS, mode);
      const request = action(transaction.objectStore(KEYS));
      return await new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = reject;
      });
    } finally {
      opened.close();
    }
  }
  const find = () => use<CryptoKeyPair | undefined>("readonly", (keys) => keys.get(name));
  // Browsers lose the connection to their database now and then; the next one works.
  const load = async () => (await find().catch(find)) ?? null;
  return {
    load,
    // Where that fails, another tab was first, or it cannot be kept.
    save: (pair) => use("readwrite", (keys) => keys.add(pair, name)).then(() => pair, load),
  };
}
