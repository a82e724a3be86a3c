// The page of metrics: every run that is selected, every metric that was logged.

import { ChartingPage } from "./charting.js";

export class MetricsPage extends ChartingPage {
  constructor(app) {
    super(app, { metrics: () => app.project.metrics.values() });
  }
}
