-- One row a session. The parts that a rotation changes come before the texts, so that reading them skips nothing.
CREATE TABLE sessions (
    session          BLOB    NOT NULL PRIMARY KEY CHECK (length(session) = 16),
    confirmed        INTEGER NOT NULL,
    issued           INTEGER NOT NULL,
    history          BLOB    NOT NULL,
    token_issued_at  INTEGER NOT NULL,
    token_expires_at INTEGER NOT NULL,
    owner            BLOB             CHECK (length(owner) = 16),
    last_seen_at     INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    revoked_at       INTEGER,
    revoked_reason   TEXT             CHECK ((revoked_reason IS NULL) = (revoked_at IS NULL)),
    key              BLOB             CHECK (length(key) = 32),
    subject          TEXT    NOT NULL,
    address          TEXT    NOT NULL,
    agent            TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- A rotation changes neither of the columns that this index is about, so it costs a rotation nothing.
CREATE INDEX sessions_of_subject ON sessions (subject) WHERE revoked_at IS NULL;

-- The log of changes: a row for what one batch changed. Rows are removed from the front only, and never the last one,
-- so that no place in the log is given out twice.
CREATE TABLE changes (
    place   INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    entries BLOB    NOT NULL
) STRICT;

-- Written to prove that writing works.
CREATE TABLE touched (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    times INTEGER NOT NULL
) STRICT;
