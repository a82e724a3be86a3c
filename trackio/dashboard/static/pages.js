// Loads the code of a page when it is first gone to: the first chart waits for its own page alone.

const CODE = {
  metrics: async () => (await import("./page_metrics.js")).MetricsPage,
  runs: async () => (await import("./page_runs.js")).RunsPage,
  run: async () => (await import("./page_run.js")).RunPage,
  system: async () => (await import("./page_system.js")).SystemPage,
  media: async () => panel((await import("./page_media.js")).MediaPanel),
  traces: async () => panel((await import("./page_traces.js")).TracesPanel),
  alerts: async () => panel((await import("./page_alerts.js")).AlertsPanel),
  reports: async () => panel((await import("./page_reports.js")).ReportsPanel),
  files: async () => panel((await import("./page_files.js")).FilesPanel),
  artifacts: async () =>
    panel((await import("./page_artifacts.js")).ArtifactsPanel, { hasRuns: false }),
  registry: async () =>
    panel((await import("./page_registry.js")).RegistryPanel, { hasRuns: false }),
  health: async () => panel((await import("./page_health.js")).HealthPanel, { hasRuns: false }),
};

const panel = async (Panel, options) => (await import("./panelpage.js")).pageOf(Panel, options);

const known = new Map();

/** A page is a class: `element`, `update(changed)`, `refresh(isOther)`, `tick()`, `close()` … */
export function loadPage(name) {
  const page = CODE[name] ? name : "metrics";
  if (!known.has(page)) {
    const loading = CODE[page]();
    loading.catch(() => known.delete(page)); // gone for a moment: the next click tries again
    known.set(page, loading);
  }
  return known.get(page);
}
