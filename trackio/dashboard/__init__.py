"""The read-only dashboard: a Gradio app whose one component draws charts on canvas.

    show         opens it: `trackio.show()` and `trackio show`
    access       who may read; guard asks at every route
    app          the Gradio app and how it is launched; shell is its one component
    routes       what the browser asks for, GET only, below /gradio_api/trackio/
    parameters   what a request says, as checked values; asked is what charts ask for
    chart_routes, page_routes, file_routes
                 the answers: of charts, of pages, bytes that were logged
    desk         keeps projects open, lists each at most once a second whoever asks
    meta         runs and metrics of a project as the browser needs them, and what changed
    charts       buckets of the series on screen, and what changed; against another metric
    frames       the binary encoding of series; codes, short names in addresses
    tables       the columns of the table of runs
    run_page, listed, traces, health, contents
                 what the other pages show
    site         all of it as files, for `trackio export-site`
    static/      the front end: plain ES modules, no build step

It writes nothing and registers no function that could. Gradio is imported only by `app`, `shell`
and `show`, so that a process that logs never loads it. This package does not query by itself:
that is `trackio.query`.
"""
