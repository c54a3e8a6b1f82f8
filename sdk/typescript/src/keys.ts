// The key of a session: it never leaves the browser, so a copied token is worth nothing.

import { textToBase64Url, toBase64Url } from "./base64url.js";
import type { PublicKey } from "./messages.js";

/** Where the key pair is kept. The private key need not be extractable, and should not be. */
export interface KeyStore {
  /** Null where there is none. */
  load(): Promise<CryptoKeyPair | null>;
  /** Keeps `pair` unless there is one already, as one step; gives the one that is kept. */
  save(pair: CryptoKeyPair): Promise<CryptoKeyPair>;
}

type Algorithm = { readonly name: "Ed25519" } | { readonly name: "ECDSA"; readonly namedCurve: "P-256" };

/** The first that the browser can make and keep is taken. */
const ALGORITHMS: readonly Algorithm[] = [{ name: "Ed25519" }, { name: "ECDSA", namedCurve: "P-256" }];
/** Browsers lose the connection to their database now and then; the next one works. */
const TRIES = 2;

/** What a proof is made over. */
export interface Claim {
  readonly token: string;
  readonly nonce: string;
  /** The URL of the endpoint. */
  readonly audience: string;
}

/** The public key to log in with; null where none can be made or kept. */
export async function publicKey(store: KeyStore): Promise<PublicKey | null> {
  try {
    const pair = (await store.load()) ?? (await create(store));
    return pair && (await exported(pair.publicKey));
  } catch {
    return null;
  }
}

async function create(store: KeyStore): Promise<CryptoKeyPair | null> {
  for (const algorithm of ALGORITHMS) {
    try {
      const pair = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
      if ("privateKey" in pair) return await store.save(pair);
    } catch {
      // This browser cannot make such a key, or cannot keep it.
    }
  }
  return null;
}

async function exported(key: CryptoKey): Promise<PublicKey | null> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  if (kty === "OKP" && crv === "Ed25519" && x) return { kty, crv, x };
  return kty === "EC" && crv === "P-256" && x && y ? { kty, crv, x, y } : null;
}

/**
 * A proof as a JWS in compact serialisation (RFC 7515), its claims named as in RFC 9449 and RFC 7519. Null where the
 * key is gone.
 */
export async function prove(store: KeyStore, claim: Claim): Promise<string | null> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      const pair = await store.load();
      return pair && (await signed(pair, claim));
    } catch {
      // Tried again.
    }
  }
  return null;
}

async function signed({ privateKey, publicKey: key }: CryptoKeyPair, claim: Claim): Promise<string> {
  const jwk = await exported(key);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(claim.token));
  const header = { typ: "handfast-proof+jwt", alg: jwk?.kty === "OKP" ? "EdDSA" : "ES256", jwk };
  const payload = { nonce: claim.nonce, aud: claim.audience, ath: toBase64Url(new Uint8Array(hash)) };
  const input = `${textToBase64Url(JSON.stringify(header))}.${textToBase64Url(JSON.stringify(payload))}`;
  const algorithm = { name: privateKey.algorithm.name, hash: "SHA-256" };
  const signature = await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(input));
  return `${input}.${toBase64Url(new Uint8Array(signature))}`;
}

const DATABASE = "handfast";
const KEYS = "keys";

/** Keeps the pair in IndexedDB, where a private key that is not extractable stays so. */
export function indexedDbKeys(database: IDBFactory, name: string): KeyStore {
  const use = async <T>(mode: IDBTransactionMode, action: (keys: IDBObjectStore) => Promise<T>): Promise<T> => {
    const opening = database.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(KEYS);
    const opened = await done(opening);
    try {
      const transaction = opened.transaction(KEYS, mode);
      const completed = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const [result] = await Promise.all([action(transaction.objectStore(KEYS)), completed]);
      return result;
    } finally {
      opened.close();
    }
  };
  const stored = (keys: IDBObjectStore) => done<CryptoKeyPair | undefined>(keys.get(name));
  return {
    load: () => use("readonly", async (keys) => (await stored(keys)) ?? null),
    save: (pair) =>
      use("readwrite", async (keys) => {
        const first = await stored(keys);
        if (first !== undefined) return first;
        await done(keys.put(pair, name));
        return pair;
      }),
  };
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
