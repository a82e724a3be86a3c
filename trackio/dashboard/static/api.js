// Asks the server. All requests are GETs below /gradio_api/trackio/, relative to where the app is
// mounted, so that proxies, Spaces and share links work.

import { decodeFrame } from "./frames.js";

const LONGEST_MS = 60_000;

/** The server said no; `status` is the HTTP status, 0 when there was no answer at all. */
export class RequestFailed extends Error {
  constructor(message, status, retryAfterS = 0, login = null) {
    super(message);
    this.login = login; // where to sign in, below the address of the app
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Requests to the dashboard that is mounted at `root`. */
export function createApi(root) {
  const base = `${root}/gradio_api/trackio/`;

  const address = (path, params) => {
    const query = new URLSearchParams(present(params).flatMap(each));
    return `${base}${path}${query.size ? `?${readable(query)}` : ""}`;
  };

  async function get(path, params, signal) {
    const url = address(path, params);
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
    async text(path, params) {
      return (await get(path, params)).text();
    },
    /** Where a GET of this would go, for links and pictures. */
    url: (path, params) => address(path, params),
    /** How old the news of the last frame was: a store far away is not asked for each. */
    ageS: 0,
    /** The decoded frame, or null when nothing changed since `params.rev`. */
    async frame(params, signal, path = "series") {
      const response = await get(path, params, signal);
      this.ageS = Number(response.headers.get("age")) || 0;
      return response.status === 204 ? null : decodeFrame(await response.arrayBuffer());
    },
  };
}

const present = (params) =>
  Object.entries(params ?? {}).filter(([, value]) => value !== null && value !== undefined);

/** A list is a parameter that is given several times. */
const each = ([name, value]) =>
  Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]];

/** Commas stay commas: they are legal in a query and a third of the length. */
const readable = (query) => query.toString().replaceAll("%2C", ",");

async function failure(response) {
  const retryAfterS = Number(response.headers.get("retry-after")) || 0;
  const said = await response.json().catch(() => null);
  const message = said?.error ?? `The server answered ${response.status}`;
  return new RequestFailed(String(message), response.status, retryAfterS, said?.login);
}
