-- SPDX-License-Identifier: Apache-2.0
--
-- The first schema. Rules of this folder: a released file never changes; a statement ends with a
-- semicolon at the end of a line, and no other line ends with one; plain SQL that PostgreSQL
-- would take as well.

CREATE TABLE playground (
  name TEXT NOT NULL,
  generation BIGINT NOT NULL CHECK (generation >= 1),
  owner TEXT NOT NULL,
  team TEXT NOT NULL,
  environment TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'DELETING', 'DELETED')),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (name, generation)
);

-- One living playground of a name; DELETED ones stay, so that a generation is never used again.
CREATE UNIQUE INDEX playground_living ON playground (name) WHERE state <> 'DELETED';

CREATE INDEX playground_expiry ON playground (expires_at) WHERE state = 'ACTIVE';

CREATE TABLE playground_label (
  playground TEXT NOT NULL,
  generation BIGINT NOT NULL,
  label_key TEXT NOT NULL,
  label_value TEXT NOT NULL,
  PRIMARY KEY (playground, generation, label_key),
  FOREIGN KEY (playground, generation) REFERENCES playground (name, generation)
);

CREATE TABLE dataset (
  playground TEXT NOT NULL,
  generation BIGINT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  spec_hash TEXT NOT NULL,
  spec_json TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (playground, generation, name),
  FOREIGN KEY (playground, generation) REFERENCES playground (name, generation)
);

-- A run names its playground without a foreign key: the graph room knows no playgrounds. Runs are
-- ordered by `ordinal`, since several are made within one millisecond.
CREATE TABLE run (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  ordinal BIGINT NOT NULL UNIQUE,
  playground TEXT NOT NULL,
  generation BIGINT NOT NULL,
  command TEXT NOT NULL,
  principal TEXT NOT NULL,
  team TEXT NOT NULL,
  environment TEXT NOT NULL,
  client_token TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
  cancel_requested SMALLINT NOT NULL CHECK (cancel_requested IN (0, 1)),
  created_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  report_json TEXT NOT NULL,
  needs_files_json TEXT NOT NULL,
  error_json TEXT NOT NULL
);

CREATE UNIQUE INDEX run_client_token ON run (principal, client_token) WHERE client_token <> '';

CREATE INDEX run_unfinished ON run (ordinal) WHERE state IN ('PENDING', 'RUNNING');

CREATE INDEX run_of_playground ON run (playground, ordinal);

CREATE TABLE node (
  run_id TEXT NOT NULL REFERENCES run (id),
  id TEXT NOT NULL CHECK (id <> ''),
  position BIGINT NOT NULL CHECK (position >= 0),
  depth INTEGER NOT NULL CHECK (depth >= 0),
  capability TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  title TEXT NOT NULL,
  after_ids TEXT NOT NULL,
  always_runs SMALLINT NOT NULL CHECK (always_runs IN (0, 1)),
  timeout_ms BIGINT NOT NULL CHECK (timeout_ms >= 0),
  request_json TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  response_json TEXT NOT NULL,
  error_json TEXT NOT NULL,
  job_json TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (run_id, id)
);

CREATE TABLE run_transition (
  run_id TEXT NOT NULL REFERENCES run (id),
  sequence BIGINT NOT NULL CHECK (sequence >= 1),
  node_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL CHECK (to_state <> ''),
  detail TEXT NOT NULL,
  PRIMARY KEY (run_id, sequence)
);

CREATE TABLE fact (
  fact_key TEXT NOT NULL PRIMARY KEY,
  fact_value TEXT NOT NULL
);
