-- What became of events: by hour, where they came from, and whether they counted or why not (vts/store/facts/outcomes.py).

-- A process writes its own numbers of an hour as a whole, so a write that is repeated changes nothing.
CREATE TABLE outcome_stats_hourly (
    hour    timestamptz NOT NULL,
    source  text        NOT NULL,
    outcome text        NOT NULL,
    process bigint      NOT NULL,
    events  bigint      NOT NULL CHECK (events >= 0),
    PRIMARY KEY (hour, source, outcome, process)
);
