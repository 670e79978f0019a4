-- SPDX-License-Identifier: Apache-2.0
--
-- Bodies leave the rows that lists read: a list costs what it answers, however wide the reports
-- are. Nodes keep theirs until their run has ended.

CREATE TABLE run_body (
  run_id TEXT NOT NULL REFERENCES run (id),
  part TEXT NOT NULL CHECK (part IN ('report', 'needs_files')),
  body TEXT NOT NULL,
  PRIMARY KEY (run_id, part)
);

CREATE TABLE node_body (
  run_id TEXT NOT NULL REFERENCES run (id),
  node_id TEXT NOT NULL,
  part TEXT NOT NULL CHECK (part IN ('request', 'response')),
  body TEXT NOT NULL,
  PRIMARY KEY (run_id, node_id, part)
);

INSERT INTO run_body (run_id, part, body)
SELECT id, 'report', report_json FROM run WHERE report_json <> '';

INSERT INTO run_body (run_id, part, body)
SELECT id, 'needs_files', needs_files_json FROM run WHERE needs_files_json <> '';

INSERT INTO node_body (run_id, node_id, part, body)
SELECT node.run_id, node.id, 'request', node.request_json FROM node
JOIN run ON run.id = node.run_id
WHERE run.state IN ('PENDING', 'RUNNING') AND node.request_json <> '';

INSERT INTO node_body (run_id, node_id, part, body)
SELECT node.run_id, node.id, 'response', node.response_json FROM node
JOIN run ON run.id = node.run_id
WHERE run.state IN ('PENDING', 'RUNNING') AND node.response_json <> '';

ALTER TABLE run ADD COLUMN asked_for_files SMALLINT NOT NULL DEFAULT 0;

-- Of what the run left: its bodies, and the words of its nodes and history. Known once it has ended.
ALTER TABLE run ADD COLUMN kept_bytes BIGINT NOT NULL DEFAULT 0;

UPDATE run SET asked_for_files = 1 WHERE needs_files_json <> '';

UPDATE run SET kept_bytes = length(report_json) + length(needs_files_json) + length(error_json)
WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED');

ALTER TABLE run DROP COLUMN report_json;
ALTER TABLE run DROP COLUMN needs_files_json;
ALTER TABLE node DROP COLUMN request_json;
ALTER TABLE node DROP COLUMN response_json;

DROP INDEX run_of_playground;

CREATE INDEX run_of_playground ON run (playground, generation, ordinal);

-- One for each filter of a list.
CREATE INDEX run_listed ON run (ordinal) WHERE asked_for_files = 0;
CREATE INDEX run_listed_principal ON run (principal, ordinal) WHERE asked_for_files = 0;
CREATE INDEX run_listed_playground ON run (playground, ordinal) WHERE asked_for_files = 0;
CREATE INDEX run_listed_both ON run (principal, playground, ordinal) WHERE asked_for_files = 0;

-- What retention goes by: what each principal keeps, and which ended run is oldest.
CREATE TABLE run_usage (
  principal TEXT NOT NULL PRIMARY KEY,
  runs BIGINT NOT NULL,
  kept_bytes BIGINT NOT NULL
);

INSERT INTO run_usage (principal, runs, kept_bytes)
SELECT principal, count(*), sum(kept_bytes) FROM run
WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') GROUP BY principal;

CREATE INDEX run_of_principal ON run (principal, ordinal);

CREATE INDEX run_ended ON run (finished_at) WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED');

-- Runs that only asked for files are no use to anybody a day later.
CREATE INDEX run_asked ON run (finished_at) WHERE asked_for_files = 1;

CREATE INDEX playground_of_owner ON playground (owner, name) WHERE state <> 'DELETED';
CREATE INDEX playground_deleting ON playground (name) WHERE state = 'DELETING';
