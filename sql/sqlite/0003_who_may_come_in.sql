-- What tickets and sessions were made under, resume tickets at work, and what bans say to whom.

-- A hash that was computed anew for the same password: the last 20 characters of the new one, then
-- those that stand for the password since it was set. Counts only while password_hash ends so.
ALTER TABLE account ADD COLUMN password_origin TEXT NOT NULL DEFAULT ''
  CHECK (length(password_origin) <= 40);
-- Resume tickets of a password that was given then or earlier are refused; NULL: none for that.
ALTER TABLE account ADD COLUMN tickets_after INTEGER;
-- For staff; the player is told ban_reason.
ALTER TABLE account ADD COLUMN ban_note TEXT NOT NULL DEFAULT '' CHECK (length(ban_note) <= 255);
-- What the session was made under: ticket_generation, password, second factor, family of tickets
-- (0: none). NULL: not known, and not looked at.
ALTER TABLE account ADD COLUMN session_generation INTEGER;
ALTER TABLE account ADD COLUMN session_password TEXT NOT NULL DEFAULT ''
  CHECK (length(session_password) <= 20);
ALTER TABLE account ADD COLUMN session_factor TEXT NOT NULL DEFAULT ''
  CHECK (length(session_factor) <= 20);
ALTER TABLE account ADD COLUMN session_family INTEGER NOT NULL DEFAULT 0;
-- 1: the server ends the session.
ALTER TABLE account ADD COLUMN session_revoked INTEGER NOT NULL DEFAULT 0
  CHECK (session_revoked IN (0, 1));
-- Computed, 1: somebody holds a session that was made under other credentials than the account's.
ALTER TABLE account ADD COLUMN session_stale INTEGER GENERATED ALWAYS AS (
  session_gate <> '' AND (session_revoked = 1 OR (session_generation IS NOT NULL AND (
    session_generation <> ticket_generation OR
    session_factor <> substr(totp_secret, -20) OR
    session_password <> iif(substr(password_origin, 1, 20) = substr(password_hash, -20),
                            substr(password_origin, 21), substr(password_hash, -20)))))) VIRTUAL;
CREATE INDEX account_stale ON account (id) WHERE session_stale = 1;

-- One row a chain of resume tickets that began with one password and was used.
CREATE TABLE ticket_family (
  -- account.id
  account INTEGER NOT NULL,
  -- Random number, in each ticket of the family.
  family INTEGER NOT NULL,
  -- When the password was given.
  password_at INTEGER NOT NULL,
  -- Number of the newest ticket; the one before is good for a little while.
  sequence INTEGER NOT NULL,
  -- Address of the client that got it, and when.
  address TEXT NOT NULL CHECK (length(address) <= 64),
  used_at INTEGER NOT NULL,
  -- No ticket of the family is good from then on, and the row goes.
  expires_at INTEGER NOT NULL,
  -- No ticket of the family is good any more; NULL: it goes on.
  ended_at INTEGER,
  PRIMARY KEY (account, family)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_family_expires ON ticket_family (expires_at);

-- One row a ban of an account, those that are over too.
CREATE TABLE account_ban (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- account.id
  account INTEGER NOT NULL,
  -- NULL: written by hand, nobody noted when.
  banned_at INTEGER,
  -- NULL: for ever.
  banned_until INTEGER,
  -- Told to the player.
  reason TEXT NOT NULL DEFAULT '' CHECK (length(reason) <= 255),
  -- For staff.
  note TEXT NOT NULL DEFAULT '' CHECK (length(note) <= 255),
  -- NULL: not lifted.
  lifted_at INTEGER
) STRICT;
CREATE INDEX account_ban_account ON account_ban (account, id);

-- For staff; who is in when the ban comes is told the reason.
ALTER TABLE address_ban ADD COLUMN note TEXT NOT NULL DEFAULT '' CHECK (length(note) <= 255);

-- What was written as "not shown to the player" is not shown.
UPDATE account SET ban_note = ban_reason, ban_reason = '' WHERE ban_reason <> '';
UPDATE address_ban SET note = reason, reason = '' WHERE reason <> '';

-- The audit is bounded: refusals are one row an address and minute.

-- Unix time / 60 of the refusals that the row stands for; NULL: a login that was let in.
ALTER TABLE login_audit ADD COLUMN minute INTEGER;
-- How many logins the row stands for.
ALTER TABLE login_audit ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
-- How many different user names they tried, as far as they were told apart.
ALTER TABLE login_audit ADD COLUMN names INTEGER NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX login_audit_refusals ON login_audit (minute, address) WHERE minute IS NOT NULL;

-- How often the second factor of an account may be guessed.

-- Unix time at which all tries of the second factor are there again; one costs its share of a day.
ALTER TABLE account ADD COLUMN totp_full_at INTEGER NOT NULL DEFAULT 0;

-- Whose session it is: the owner of a player's row beside its epoch, and the process that holds a
-- session.

-- Server processes that hold sessions.
CREATE TABLE node (
  -- Random number of one life of a server process.
  id INTEGER PRIMARY KEY NOT NULL,
  -- Boot id, pid namespace, pid and start time: whether it lives, for who shares the machine.
  process TEXT NOT NULL CHECK (length(process) <= 255),
  started_at INTEGER NOT NULL DEFAULT (unixepoch()),
  -- When the process last said that it lives.
  seen_at INTEGER NOT NULL
) STRICT;

-- With epoch, the session that may write the row: random, of its claim.
ALTER TABLE player_data ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;
-- node.id of the process that holds the session; 0: offline.
ALTER TABLE account ADD COLUMN session_node INTEGER NOT NULL DEFAULT 0;
CREATE INDEX account_node ON account (session_node) WHERE session_node <> 0;
