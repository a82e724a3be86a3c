// What is kept of one project while it is open: its series by kind, its columns, what is derived.

import { ColumnStore } from "./columnstore.js";
import { Exact } from "./exact.js";
import { RunFilter } from "./filter.js";
import { Groups } from "./groups.js";
import { Project } from "./project.js";
import { SeriesStore } from "./series.js";

export class Stores {
  #api;
  #series = new Map();

  /** `onDerived()` is called when a filter or groups are ready. */
  constructor(api, meta, onDerived) {
    this.#api = api;
    this.project = new Project(meta);
    this.columns = new ColumnStore(api, this.project);
    this.exact = new Exact(api);
    this.groups = new Groups(this.columns, () => onDerived(["by"]));
    this.filter = new RunFilter(this.columns, () => onDerived(["runFind"]));
  }

  /** The series of what was logged, or of what the machines measured. */
  series(kind) {
    if (!this.#series.has(kind))
      this.#series.set(kind, new SeriesStore(this.#api, this.project, kind));
    return this.#series.get(kind);
  }

  /** Take over what the address says of runs: colours, groups and the filter. */
  derive(state) {
    this.project.paint(state.get("paint"));
    this.groups.set(state.get("by"), [...this.project.runs.keys()]);
    this.filter.set(state.get("runFind"), this.project.rev);
  }

  close() {
    for (const series of this.#series.values()) series.close();
  }
}
