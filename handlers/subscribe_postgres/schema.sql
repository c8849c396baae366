-- One row for each delivery. Applied once, by whoever owns the database: a function that may create tables
-- may also drop them. PostgreSQL forgets nothing by itself: delete old rows in a job of your own.
CREATE TABLE IF NOT EXISTS webhooks (
    id            text PRIMARY KEY,
    body          bytea NOT NULL,
    body_sha256   text NOT NULL,
    message_id    text NOT NULL,
    receive_count integer NOT NULL,
    delivered_by  text[] NOT NULL,
    conflict_of   text,
    story         json NOT NULL
);
