// The tabs: page, what it says, key, which count of the project's contents tells it is empty, and
// whether it is only there once it is not.

export const TABS = [
  ["metrics", "Metrics", "m", null],
  ["runs", "Runs", "r", null],
  ["system", "System", "s", "system"],
  ["media", "Media", "d", "media"],
  ["traces", "Traces", "a", "traces"],
  ["alerts", "Alerts", "w", "alerts"],
  ["reports", "Reports", "e", "reports"],
  ["files", "Files", "i", null],
  ["health", "Health", "h", null],
  ["artifacts", "Artifacts", "v", "artifacts", true],
  ["registry", "Registry", "g", "registries", true],
];
