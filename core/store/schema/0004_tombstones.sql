-- SPDX-License-Identifier: Apache-2.0
--
-- An expired playground is kept whole for a while before it is purged. The while is counted in time
-- that the daemon has served, not by the wall clock, which may jump: `ended_served` is how long the
-- daemon had served, in all, when it noticed the end. -1: it has not.

ALTER TABLE playground ADD COLUMN ended_served BIGINT NOT NULL DEFAULT -1;

DROP INDEX playground_expiry;

-- Whose end is to be noticed, and who is to be purged: a look at either costs what it answers.
CREATE INDEX playground_expiry ON playground (expires_at)
  WHERE state = 'ACTIVE' AND ended_served < 0;
CREATE INDEX playground_ended ON playground (ended_served)
  WHERE state = 'ACTIVE' AND ended_served >= 0;
