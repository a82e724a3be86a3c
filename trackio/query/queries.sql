-- Every query but those of the sandbox reads `rows`: the rows of the asked-for pieces that
-- count, each with the index of its piece. `database.py` puts the parts of that relation
-- together, in this order: rows_whole, rows_part, rows_held.

-- name: rows_whole
-- Rows of files of which every row counts; the pieces stand in the order of the files.
SELECT
    CAST(file_index AS BIGINT) AS piece,
    run_id, writer_id, seq, time, step, auto, kind, key, value, text
FROM read_parquet($whole_files)

-- name: rows_part
-- Rows of files of which only some ranges of some writers count. A file may lie here in
-- several parts: `part_of` says which file each of `part_files` is of.
SELECT
    part.piece,
    file.run_id, file.writer_id, seq, time, step, auto, kind, key, value, text
FROM (
    SELECT list_extract($part_of, CAST(file_index AS BIGINT) + 1) AS file, *
    FROM read_parquet($part_files)
) AS file
JOIN (
    SELECT
        unnest($part_piece) AS piece, unnest($part_file) AS file,
        unnest($part_run) AS run_id, unnest($part_writer) AS writer_id,
        unnest($part_first) AS first, unnest($part_last) AS last
) AS part
    ON file.file = part.file
    AND file.run_id = part.run_id
    AND file.writer_id = part.writer_id
    AND file.seq BETWEEN part.first AND part.last

-- name: rows_held
-- Rows of small files, held in memory.
SELECT
    piece + $held_base AS piece,
    run_id, writer_id, seq, time, step, auto, kind, key, value, text
FROM held

-- name: load
-- Every row of some files, in their order, each with the number of its file.
SELECT
    CAST(file_index AS BIGINT) AS file,
    run_id, writer_id, seq, time, step, auto, kind, key, value, text
FROM read_parquet($files)
ORDER BY file_index, file_row_number

-- name: rows_none
-- No rows at all.
SELECT
    CAST(NULL AS BIGINT) AS piece,
    '' AS run_id, '' AS writer_id, CAST(0 AS BIGINT) AS seq,
    CAST('1970-01-01 00:00:00+00' AS TIMESTAMPTZ) AS time, CAST(NULL AS BIGINT) AS step,
    true AS auto, '' AS kind, '' AS key, CAST(NULL AS DOUBLE) AS value, '' AS text
WHERE false

-- name: rows_below
-- Of the rows that were read the points of some series that lie below a step.
SELECT read.*
FROM read
JOIN (
    SELECT
        unnest($below_piece) AS piece, unnest($below_key) AS key, unnest($below_step) AS step
) AS below
    ON read.piece = below.piece
    AND read.key = below.key
    AND (read.step < below.step OR read.step IS NULL)

-- name: said
-- Everything that is neither a point of a series nor media: config, summary, start, alerts, …
SELECT piece, seq, epoch_us(time) AS time_us, step, kind, key, value, text
FROM rows
WHERE kind NOT IN ('metric', 'system', 'media', 'report', 'trace')
ORDER BY piece, seq, key

-- name: media
-- What refers to images, tables, traces, …, under some keys or all.
SELECT piece, seq, epoch_us(time) AS time_us, step, kind, key, text
FROM rows
WHERE kind IN $kinds AND ($keys IS NULL OR key IN $keys)
ORDER BY piece, seq, kind, key

-- name: points_by_step
-- The points of some series: numbers as they are, true as 1, false as 0, others as NULL.
-- `series` counts them by piece and key.
SELECT
    piece * len($keys) + list_position($keys, key) - 1 AS series,
    seq, step,
    coalesce(value, CASE text WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 END) AS value
FROM rows
WHERE kind = $kind
    AND key IN $keys
    AND ($first_step IS NULL OR step >= $first_step)
    AND ($last_step IS NULL OR step <= $last_step)

-- name: points
-- The same with their times.
SELECT
    piece * len($keys) + list_position($keys, key) - 1 AS series,
    seq, step, time,
    coalesce(value, CASE text WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 END) AS value
FROM rows
WHERE kind = $kind
    AND key IN $keys
    AND ($first_step IS NULL OR step >= $first_step)
    AND ($last_step IS NULL OR step <= $last_step)
    AND ($first_us IS NULL OR time >= make_timestamptz($first_us))
    AND ($last_us IS NULL OR time <= make_timestamptz($last_us))

-- name: points_and_texts
-- The same with those that are no numbers.
SELECT
    piece * len($keys) + list_position($keys, key) - 1 AS series,
    seq, step, time, value, text
FROM rows
WHERE kind = $kind
    AND key IN $keys
    AND ($first_step IS NULL OR step >= $first_step)
    AND ($last_step IS NULL OR step <= $last_step)
    AND ($first_us IS NULL OR time >= make_timestamptz($first_us))
    AND ($last_us IS NULL OR time <= make_timestamptz($last_us))

-- name: calls
-- What some calls of one writer logged, in the order of the calls.
SELECT seq, epoch_us(time) AS time_us, step, key, value, text
FROM rows
WHERE kind = 'metric'
    AND ($keys IS NULL OR key IN $keys)
    AND seq BETWEEN $first AND $last
ORDER BY seq, key

-- name: tallies
-- How the points of each metric in each piece add up, abandoned ones included.
SELECT
    piece, key,
    count(value) AS points,
    count(*) - count(value) AS others,
    count(*) FILTER (WHERE isfinite(value)) AS finite,
    min(value) FILTER (WHERE isfinite(value)) AS min,
    max(value) FILTER (WHERE isfinite(value)) AS max,
    sum(value) FILTER (WHERE isfinite(value)) AS sum,
    min(seq) AS first_seq,
    max(seq) AS last_seq,
    min(seq) FILTER (WHERE step IS NOT NULL) AS first_step_seq,
    arg_min(step, seq) AS first_step,
    arg_max_null(step, seq) AS last_step,
    arg_max_null(value, seq) AS last_value,
    arg_max_null(text, seq) AS last_text,
    max(step) AS max_step,
    bool_or(step IS NOT NULL AND NOT auto) AS has_given,
    epoch_us(max(time)) / 1e6 AS last_time_s
FROM rows
WHERE kind = 'metric'
GROUP BY piece, key
ORDER BY piece, key

-- name: counts
-- How many rows of each key each piece has, and which came first.
SELECT piece, key, count(*) AS rows, min(seq) AS first_seq
FROM rows
WHERE kind = $kind
GROUP BY piece, key
ORDER BY piece, key

-- name: violations
-- The first point of each metric in each piece that is not as it should be: not finite, or
-- beyond a bound.
SELECT
    piece, key, count(*) AS points, min(seq) AS seq,
    arg_min_null(step, seq) AS step,
    arg_min(value, seq) AS value,
    epoch_us(arg_min(time, seq)) / 1e6 AS time_s
FROM rows
WHERE kind = 'metric'
    AND (
        ($nonfinite AND NOT isfinite(value))
        OR (NOT isnan(value) AND (value > $above OR value < $below))
    )
GROUP BY piece, key
ORDER BY piece, key

-- name: added
-- What each series got.
SELECT
    piece, kind, key,
    count(*) AS rows,
    min(step) AS first_step,
    epoch_us(min(time)) / 1e6 AS first_time_s
FROM rows
GROUP BY piece, kind, key
ORDER BY piece, kind, key

-- The queries of the sandbox do not read `rows` but the tables that it sets up: `read` is the
-- rows of all pieces, `pieces` says of each piece whose it is, `cuts` which of its points are
-- abandoned.

-- name: serialize
-- The syntax tree of a statement, as JSON.
SELECT json_serialize_sql($sql)

-- name: sandbox_pieces
-- The table `pieces`.
SELECT
    unnest(CAST($piece AS BIGINT[])) AS piece,
    unnest(CAST($run_id AS VARCHAR[])) AS run_id,
    unnest(CAST($run AS VARCHAR[])) AS run,
    unnest(CAST($label AS VARCHAR[])) AS label,
    unnest(CAST($writer_id AS VARCHAR[])) AS writer_id,
    unnest(CAST($step_offset AS BIGINT[])) AS step_offset

-- name: sandbox_cuts
-- The table `cuts`.
SELECT
    unnest(CAST($piece AS BIGINT[])) AS piece,
    unnest(CAST($key AS VARCHAR[])) AS key,
    unnest(CAST($below AS BIGINT[])) AS below

-- name: sandbox_runs
-- The view `runs`.
SELECT
    run_id, name, "group", tags, notes, status,
    make_timestamptz(created_us) AS created,
    make_timestamptz(started_us) AS started,
    make_timestamptz(updated_us) AS updated,
    make_timestamptz(ended_us) AS ended,
    last_step, writers, host, resumed,
    map(config_keys, config_texts) AS config,
    map(summary_keys, summary_values) AS summary
FROM (
    SELECT
        unnest(CAST($run_id AS VARCHAR[])) AS run_id,
        unnest(CAST($name AS VARCHAR[])) AS name,
        unnest(CAST($group AS VARCHAR[])) AS "group",
        unnest(CAST($tags AS VARCHAR[][])) AS tags,
        unnest(CAST($notes AS VARCHAR[])) AS notes,
        unnest(CAST($status AS VARCHAR[])) AS status,
        unnest(CAST($created_us AS BIGINT[])) AS created_us,
        unnest(CAST($started_us AS BIGINT[])) AS started_us,
        unnest(CAST($updated_us AS BIGINT[])) AS updated_us,
        unnest(CAST($ended_us AS BIGINT[])) AS ended_us,
        unnest(CAST($last_step AS BIGINT[])) AS last_step,
        unnest(CAST($writers AS BIGINT[])) AS writers,
        unnest(CAST($host AS VARCHAR[])) AS host,
        unnest(CAST($resumed AS BOOLEAN[])) AS resumed,
        unnest(CAST($config_keys AS VARCHAR[][])) AS config_keys,
        unnest(CAST($config_texts AS VARCHAR[][])) AS config_texts,
        unnest(CAST($summary_keys AS VARCHAR[][])) AS summary_keys,
        unnest(CAST($summary_values AS DOUBLE[][])) AS summary_values
)

-- name: sandbox_configs
-- The view `configs`.
SELECT
    unnest(CAST($run_id AS VARCHAR[])) AS run_id,
    unnest(CAST($run AS VARCHAR[])) AS run,
    unnest(CAST($key AS VARCHAR[])) AS key,
    unnest(CAST($value AS DOUBLE[])) AS value,
    unnest(CAST($text AS VARCHAR[])) AS text

-- name: sandbox_alerts
-- The view `alerts`.
SELECT
    run_id, run, writer_id, seq, make_timestamptz(time_us) AS time, step, level, title, text
FROM (
    SELECT
        unnest(CAST($run_id AS VARCHAR[])) AS run_id,
        unnest(CAST($run AS VARCHAR[])) AS run,
        unnest(CAST($writer_id AS VARCHAR[])) AS writer_id,
        unnest(CAST($seq AS BIGINT[])) AS seq,
        unnest(CAST($time_us AS BIGINT[])) AS time_us,
        unnest(CAST($step AS BIGINT[])) AS step,
        unnest(CAST($level AS VARCHAR[])) AS level,
        unnest(CAST($title AS VARCHAR[])) AS title,
        unnest(CAST($text AS VARCHAR[])) AS text
)

-- name: sandbox_points
-- The visible points of all runs.
SELECT
    run_id, run, label, writer_id, seq, time, step, kind, key, value, text
FROM (
    SELECT
        pieces.run_id, pieces.run, pieces.label, pieces.writer_id,
        read.piece, read.seq, read.time, read.step + pieces.step_offset AS step,
        read.kind, read.key, read.value, read.text
    FROM read
    JOIN pieces ON pieces.piece = read.piece
)

-- name: sandbox_visible_points
-- The same where later attempts have taken over some of them.
SELECT run_id, run, label, writer_id, seq, time, step, kind, key, value, text
FROM (
    SELECT
        pieces.run_id, pieces.run, pieces.label, pieces.writer_id,
        read.piece, read.seq, read.time, read.step + pieces.step_offset AS step,
        read.kind, read.key, read.value, read.text, cuts.below
    FROM read
    JOIN pieces ON pieces.piece = read.piece
    LEFT JOIN cuts ON cuts.piece = read.piece AND cuts.key = read.key
)
WHERE below IS NULL OR step IS NULL OR step < below OR kind <> 'metric'

-- name: sandbox_metrics
-- The view `metrics`.
SELECT run_id, run, label, writer_id, seq, time, step, key, value, text
FROM points
WHERE kind = 'metric'

-- name: sandbox_system_metrics
-- The view `system_metrics`.
SELECT run_id, run, label, writer_id, seq, time, key, value, text
FROM points
WHERE kind = 'system'
