// Mounts the dashboard into the element that Gradio made for it, in a shadow root, so that
// Gradio's styles and ours leave each other alone.

import { App } from "./app.js";
import { h } from "./dom.js";

/** Mount the app into `host`. `root` is the address of the Gradio app, without a slash at the end. */
export async function mount(host, root, makeApi = undefined) {
  if (host.shadowRoot) return;
  const shadow = host.attachShadow({ mode: "open" });
  const styled = addStyle(shadow);
  // Inside a Space's frame, take the height of what is seen and not of all there is.
  document.documentElement.dataset.gradioCover = "";
  const app = new App(shadow, root, () => host.isConnected, makeApi);
  host.trackio = app; // for tests, and for the curious
  await app.start(styled);
}

/** All style sheets of this folder, which the server serves as one. */
function addStyle(shadow) {
  return new Promise((resolve, reject) => {
    const { href } = new URL("all.css", import.meta.url);
    shadow.append(h("link", { rel: "stylesheet", href, on: { load: resolve, error: reject } }));
  });
}
