// Requests to the server of the desk.

import { words } from "./words.js";

const PATIENCE_MS = 15_000;

function meta(page, name) {
  return page.querySelector(`meta[name="${name}"]`)?.content ?? "";
}

export const reader = meta(document, "signed-in");
export const queue = meta(document, "queue-key");
let token = meta(document, "csrf-token");

/** A request that the server refused. `status` is of HTTP, 0 if the server cannot be reached. */
export class Refused extends Error {
  constructor(status, reply = {}, retryAfter = null) {
    super(reply.error);
    this.status = status;
    this.waitMs = 1000 * (Number(retryAfter) || 0);
  }
}

/** Return the reason of a refusal, in the language of the page. */
export function whyNot({ status, message }) {
  const { outbox, server } = words;
  const known = { 0: outbox.offline, 401: outbox.sign_in, 429: outbox.too_many };
  return known[status] ?? server[message] ?? (message || outbox.busy);
}

/** GET a path, or POST a body to it, and return the reply: JSON, or else an ArrayBuffer. */
export async function request(path, body) {
  try {
    return await send(path, body);
  } catch (error) {
    if (error.status !== 403 || !(await hasNewToken())) {
      throw error;
    }
    return send(path, body);
  }
}

async function send(path, body) {
  const response = await reach(path, {
    method: body ? "POST" : "GET",
    headers: body ? { "Content-Type": "application/json", "X-CSRF-Token": token } : {},
    body: body && JSON.stringify(body),
  });
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  let reply;
  try {
    reply = await (isJson ? response.json() : response.arrayBuffer());
  } catch {
    // The connection broke in the middle of the reply.
    throw new Refused(0);
  }
  if (!response.ok) {
    throw new Refused(response.status, reply, response.headers.get("Retry-After"));
  }
  return reply;
}

async function reach(path, options) {
  try {
    return await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Refused(0);
  }
}

/** A page that was open for long may hold an old token; a fresh one has a new one. */
async function hasNewToken() {
  const response = await reach("desk", {});
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (meta(page, "signed-in") !== reader || meta(page, "queue-key") !== queue) {
    // Another reader has signed in, in another tab: nothing is sent under another name.
    throw new Refused(401);
  }
  const fresh = meta(page, "csrf-token");
  const isNew = fresh !== token;
  token = fresh;
  return isNew;
}
