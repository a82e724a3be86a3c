// Asks the server. All requests are GETs below /gradio_api/trackio/, relative to where the app is
// mounted, so that proxies, Spaces and share links work.

import { decodeFrame } from "./frames.js";

const LONGEST_MS = 60_000;

/** The server said no; `status` is the HTTP status, 0 when there was no answer at all. */
export class RequestFailed extends Error {
  constructor(message, status, retryAfterS = 0) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Requests to the dashboard that is mounted at `root`. */
export function createApi(root) {
  const base = `${root}/gradio_api/trackio/`;

  async function get(path, params, signal) {
    const query = new URLSearchParams(present(params));
    const url = `${base}${path}${query.size ? `?${readable(query)}` : ""}`;
    const limit = AbortSignal.timeout(LONGEST_MS);
    const until = signal ? AbortSignal.any([signal, limit]) : limit;
    const asked = fetch(url, { signal: until, referrerPolicy: "no-referrer" });
    const response = await asked.catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new RequestFailed("The server does not answer", 0);
    });
    if (!response.ok) throw await failure(response);
    return response;
  }

  return {
    async json(path, params, signal) {
      return (await get(path, params, signal)).json();
    },
    /** The decoded frame, or null when nothing changed since `params.rev`. */
    async frame(params, signal) {
      const response = await get("series", params, signal);
      return response.status === 204 ? null : decodeFrame(await response.arrayBuffer());
    },
  };
}

const present = (params) =>
  Object.entries(params ?? {}).filter(([, value]) => value !== null && value !== undefined);

/** Commas stay commas: they are legal in a query and a third of the length. */
const readable = (query) => query.toString().replaceAll("%2C", ",");

async function failure(response) {
  const retryAfterS = Number(response.headers.get("retry-after")) || 0;
  const said = await response.json().catch(() => null);
  const message = said?.error ?? `The server answered ${response.status}`;
  return new RequestFailed(String(message), response.status, retryAfterS);
}
