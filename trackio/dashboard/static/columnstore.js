// The columns of the table of runs: which there are, and their values, asked for when needed.

const A_REQUEST = 40;

export class ColumnStore {
  #api;
  #project;
  #list = null; // what the server said there is, as of a revision
  #values = new Map(); // id → values, in the order of the list's runs
  #asking = null;

  constructor(api, project) {
    this.#api = api;
    this.#project = project;
  }

  /** `{rev, codes, columns}` as of now, or as of a little while ago if that is good enough. */
  async list({ isFresh = true } = {}) {
    if (this.#list && (!isFresh || this.#list.rev === this.#project.rev)) return this.#list;
    this.#asking ??= this.#api
      .json("columns.json", { project: this.#project.name })
      .then((found) => this.#take(found))
      .finally(() => (this.#asking = null));
    return this.#asking;
  }

  #take(found) {
    if (found.rev !== this.#list?.rev) this.#values.clear();
    this.#list = found;
    return found;
  }

  /** `{rev, codes, columns, values: Map}` with the values of these columns. */
  async valuesOf(ids, options) {
    for (let tries = 0; ; tries++) {
      const list = await this.list(options);
      try {
        await this.#load(list, ids);
      } catch (error) {
        if (error.status !== 404 || tries > 2) throw error;
        this.#list = null; // that revision is forgotten: look at today's
        continue;
      }
      if (list === this.#list)
        return { ...list, values: new Map(ids.map((id) => [id, this.#values.get(id)])) };
    }
  }

  async #load(list, ids) {
    const missing = [...new Set(ids)].filter((id) => !this.#values.has(id));
    const asked = [];
    for (let i = 0; i < missing.length; i += A_REQUEST) {
      const params = {
        project: this.#project.name,
        rev: list.rev,
        c: missing.slice(i, i + A_REQUEST),
      };
      asked.push(this.#api.json("values.json", params));
    }
    for (const { values } of await Promise.all(asked))
      if (list === this.#list)
        for (const [id, column] of Object.entries(values))
          this.#values.set(id, column.map(fromJson));
  }
}

const NOT_FINITE = { NaN: NaN, Infinity, "-Infinity": -Infinity };
const fromJson = (value) =>
  typeof value === "string" && Object.hasOwn(NOT_FINITE, value) ? NOT_FINITE[value] : value;
