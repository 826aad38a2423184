-- One row per attempt that was let through to an engine. Times are microseconds since 1970-01-01 UTC.
CREATE TABLE entries (
    request_id             BLOB    NOT NULL, -- 16 bytes, big-endian: sorts by time
    attempt                INTEGER NOT NULL,
    journal                BLOB    NOT NULL, -- whose entry it is while it is open
    settled                INTEGER NOT NULL,
    admitted_at            INTEGER NOT NULL,
    key_id                 TEXT    NOT NULL,
    org                    TEXT    NOT NULL,
    workspace              TEXT    NOT NULL,
    model                  TEXT    NOT NULL,
    pool                   TEXT    NOT NULL,
    replica                TEXT    NOT NULL,
    dialect                INTEGER NOT NULL,
    stream                 INTEGER NOT NULL,
    prompt_tokens_estimate INTEGER NOT NULL,
    output_tokens_max      INTEGER NOT NULL,
    settled_at             INTEGER,
    outcome                INTEGER,
    http_status            INTEGER,
    input_tokens           INTEGER,
    cache_write_5m_tokens  INTEGER,
    cache_write_1h_tokens  INTEGER,
    cache_read_tokens      INTEGER,
    output_tokens          INTEGER,
    thinking_tokens        INTEGER,
    usage_estimated        INTEGER,
    price_micro_usd        INTEGER,          -- null: the model has no price
    cost_micro_usd         INTEGER,          -- null: not known
    first_byte_us          INTEGER,          -- null: no byte came
    duration_us            INTEGER,
    decision_id            TEXT,
    request_bytes          INTEGER,
    response_bytes         INTEGER,
    PRIMARY KEY (request_id, attempt)
) WITHOUT ROWID;

CREATE INDEX entries_by_time ON entries (admitted_at);
CREATE INDEX entries_open ON entries (journal) WHERE settled = 0;

-- The double entry of each settled attempt: the lines of one side of an entry sum to zero.
CREATE TABLE postings (
    request_id BLOB    NOT NULL,
    attempt    INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    side       TEXT    NOT NULL,
    account    TEXT    NOT NULL,
    micro_usd  INTEGER NOT NULL,
    PRIMARY KEY (request_id, attempt, line)
) WITHOUT ROWID;
