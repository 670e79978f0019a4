-- SPDX-License-Identifier: Apache-2.0
--
-- Rows and reports go with their playground (Store::ForgetRuns). Playgrounds that were deleted
-- before that was so have left theirs.

UPDATE node SET request_json = '', response_json = '', error_json = '', job_json = '', detail = ''
WHERE run_id IN (
  SELECT run.id FROM run
  JOIN playground ON playground.name = run.playground AND playground.generation = run.generation
  WHERE playground.state = 'DELETED' AND run.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
);

UPDATE run_transition SET detail = substr(detail, 1, length('attempt N failed'))
WHERE detail LIKE 'attempt %' AND run_id IN (
  SELECT run.id FROM run
  JOIN playground ON playground.name = run.playground AND playground.generation = run.generation
  WHERE playground.state = 'DELETED' AND run.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
);

UPDATE run_transition SET detail = ''
WHERE to_state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED') AND run_id IN (
  SELECT run.id FROM run
  JOIN playground ON playground.name = run.playground AND playground.generation = run.generation
  WHERE playground.state = 'DELETED' AND run.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
);

UPDATE run SET report_json = '', error_json = ''
WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND EXISTS (
  SELECT 1 FROM playground
  WHERE playground.name = run.playground AND playground.generation = run.generation
  AND playground.state = 'DELETED'
);
