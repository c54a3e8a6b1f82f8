-- One row a session; see the embedded ledger's for what the columns are. Room is left in every page, so that a rotation
-- stays in its own and touches no index.
CREATE TABLE handfast.sessions (
    session          uuid   NOT NULL PRIMARY KEY,
    confirmed        bigint NOT NULL,
    issued           bigint NOT NULL,
    token_issued_at  bigint NOT NULL,
    token_expires_at bigint NOT NULL,
    last_seen_at     bigint NOT NULL,
    created_at       bigint NOT NULL,
    expires_at       bigint NOT NULL,
    revoked_at       bigint,
    owner            uuid,
    history          bytea  NOT NULL,
    revoked_reason   text            CHECK ((revoked_reason IS NULL) = (revoked_at IS NULL)),
    key              bytea           CHECK (length(key) = 32),
    subject          text   NOT NULL COLLATE "C",
    address          text   NOT NULL,
    agent            text   NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX sessions_of_subject ON handfast.sessions (subject) WHERE revoked_at IS NULL;

-- What batches changed, in no order that a reader could rely on: commits become visible when they please.
CREATE TABLE handfast.arrivals (
    id      bigint  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      bigint  NOT NULL,
    changes integer NOT NULL,
    entries bytea   NOT NULL
);

-- The log: arrivals that were committed, in the places that a reader gave them. Rows are removed from the front only, and
-- never the last one. A mark is drawn by lot, and each row knows the mark before it, so that a log which was set back and
-- grew again is told from the one that it was.
CREATE TABLE handfast.changes (
    place   bigint  NOT NULL PRIMARY KEY,
    mark    integer NOT NULL,
    follows integer NOT NULL,
    at      bigint  NOT NULL,
    changes integer NOT NULL,
    entries bytea   NOT NULL
);

-- Written to prove that writing works.
CREATE TABLE handfast.touched (
    one   integer NOT NULL PRIMARY KEY CHECK (one = 1),
    times bigint  NOT NULL
);

CREATE TABLE handfast.accounts (
    subject       text    NOT NULL COLLATE "C" PRIMARY KEY,
    password_hash text    NOT NULL,
    created_at    bigint  NOT NULL,
    disabled      boolean NOT NULL
);
