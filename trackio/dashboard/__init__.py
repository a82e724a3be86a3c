"""The read-only dashboard: a Gradio app whose one component draws charts on canvas.

    show       opens it: `trackio.show()` and `trackio show`
    app        the Gradio app and how it is launched; shell is its one component
    routes     what the browser asks for, GET only, below /gradio_api/trackio/
    desk       keeps projects open, lists each at most once a second whoever asks
    meta       runs and metrics of a project as the browser needs them, and what changed
    charts     buckets of the series on screen, and what changed
    frames     the binary encoding of series; codes, short names in addresses
    tables     the table of runs
    static/    the front end: plain ES modules, no build step

It writes nothing and registers no function that could. Gradio is imported only by `app`, `shell`
and `show`, so that a process that logs never loads it. This package does not query by itself:
that is `trackio.query`.
"""
