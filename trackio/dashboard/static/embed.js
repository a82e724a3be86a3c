// Tells a page that embeds this one what is shown here: the protocol `trackio-view`. It answers
// questions and takes no orders; nothing that anybody logged leaves with it but names.

const PROTOCOL = "trackio-view";

/** Answer `{protocol: "trackio-view", type: "getState"}` until `close()`. */
export function embed(app) {
  const listen = ({ data, source, origin }) => {
    if (data?.protocol !== PROTOCOL || data.type !== "getState" || !source) return;
    const answer = {
      protocol: PROTOCOL,
      type: "state",
      id: data.id ?? null,
      state: viewState(app),
    };
    source.postMessage(answer, origin === "null" ? "*" : origin);
  };
  window.addEventListener("message", listen);
  window.trackio = { ...window.trackio, getViewState: () => viewState(app) };
  return { close: () => window.removeEventListener("message", listen) };
}

/** What is on the screen. */
export function viewState(app) {
  const { state, project, page } = app;
  const cards = page?.board?.cards?.filter((card) => card.lines.length > 0) ?? [];
  const latest = cards.flatMap((card) => card.lines.map((line) => line.to)).filter(Number.isFinite);
  const runs = project
    ? app
        .shownRuns()
        .map((code) => project.runs.get(code))
        .filter(Boolean)
    : [];
  return {
    page: state.get("page"),
    project: project?.name ?? null,
    runs: runs.map(({ id, name, status }) => ({ id, name, status })),
    x_axis: app.view().x.replace(/^metric:/, ""),
    x_range: state.get("zoom")?.slice(0, 2) ?? null,
    metrics: cards.map((card) => card.metric.key),
    latest_x: latest.length ? Math.max(...latest) : null,
    view_url: new URL(state.href({}), window.location.href).href,
  };
}
