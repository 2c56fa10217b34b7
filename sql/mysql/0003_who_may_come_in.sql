-- What tickets and sessions were made under, resume tickets at work, and what bans say to whom.
-- Repeatable as 0002 is: what is there already is left alone.

CREATE TABLE IF NOT EXISTS ticket_family (
  account BIGINT UNSIGNED NOT NULL
    COMMENT 'account.id',
  family BIGINT UNSIGNED NOT NULL
    COMMENT 'random number, in each ticket of the family',
  password_at DATETIME NOT NULL
    COMMENT 'UTC; when the password was given',
  sequence BIGINT UNSIGNED NOT NULL
    COMMENT 'number of the newest ticket; the one before is good for a little while',
  address VARCHAR(64) NOT NULL
    COMMENT 'of the client that got it',
  used_at DATETIME NOT NULL
    COMMENT 'UTC; when it did',
  expires_at DATETIME NOT NULL
    COMMENT 'UTC; no ticket of the family is good from then on, and the row goes',
  ended_at DATETIME NULL
    COMMENT 'UTC; no ticket of the family is good any more; NULL: it goes on',
  PRIMARY KEY (account, family),
  KEY ticket_family_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'one row a chain of resume tickets that began with one password and was used';

CREATE TABLE IF NOT EXISTS account_ban (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  account BIGINT UNSIGNED NOT NULL
    COMMENT 'account.id',
  banned_at DATETIME NULL
    COMMENT 'UTC; NULL: written by hand, nobody noted when',
  banned_until DATETIME NULL
    COMMENT 'UTC; NULL: for ever',
  reason VARCHAR(255) NOT NULL DEFAULT ''
    COMMENT 'told to the player',
  note VARCHAR(255) NOT NULL DEFAULT ''
    COMMENT 'for staff',
  lifted_at DATETIME NULL
    COMMENT 'UTC; NULL: not lifted',
  PRIMARY KEY (id),
  KEY account_ban_account (account, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'one row a ban of an account, those that are over too';

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'address_ban' AND column_name = 'note');
SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE address_ban
  MODIFY COLUMN reason VARCHAR(255) NOT NULL DEFAULT ''''
    COMMENT ''told to who is in when the ban comes'',
  ADD COLUMN note VARCHAR(255) NOT NULL DEFAULT ''''
    COMMENT ''for staff''');
PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'account' AND column_name = 'session_stale');
SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE account
  MODIFY COLUMN ban_reason VARCHAR(255) NOT NULL DEFAULT ''''
    COMMENT ''told to the player'',
  ADD COLUMN ban_note VARCHAR(255) NOT NULL DEFAULT ''''
    COMMENT ''for staff'',
  ADD COLUMN password_origin VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''''
    COMMENT ''a hash computed anew: its last 20 characters, then those that stand for the password'',
  ADD COLUMN tickets_after DATETIME NULL
    COMMENT ''UTC; resume tickets of a password given then or earlier are refused'',
  ADD COLUMN session_generation BIGINT UNSIGNED NULL
    COMMENT ''ticket_generation that the session was made under; NULL: not known'',
  ADD COLUMN session_password VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''''
    COMMENT ''the password that the session was made under'',
  ADD COLUMN session_factor VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''''
    COMMENT ''the second factor that the session was made under'',
  ADD COLUMN session_family BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT ''family of the ticket that the session was made with or given; 0: none'',
  ADD COLUMN session_revoked BOOLEAN NOT NULL DEFAULT FALSE
    COMMENT ''1: the server ends the session'',
  ADD COLUMN session_stale BOOLEAN GENERATED ALWAYS AS (
    session_gate <> '''' AND (session_revoked = 1 OR (session_generation IS NOT NULL AND (
      session_generation <> ticket_generation OR
      session_factor <> RIGHT(totp_secret, 20) OR
      session_password <> IF(LEFT(password_origin, 20) = RIGHT(password_hash, 20),
                             SUBSTRING(password_origin, 21), RIGHT(password_hash, 20)))))) VIRTUAL
    COMMENT ''computed, 1: a session that was made under other credentials than the account has'',
  ADD KEY account_stale (session_stale)');
PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;

-- What was written as "not shown to the player" is not shown.
UPDATE account SET ban_note = ban_reason, ban_reason = '' WHERE ban_reason <> '' AND ban_note = '';
UPDATE address_ban SET note = reason, reason = '' WHERE reason <> '' AND note = '';

-- The audit is bounded: refusals are one row an address and minute. Repeatable as 0002 is.

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'login_audit' AND column_name = 'attempts');
SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE login_audit
  ADD COLUMN minute BIGINT UNSIGNED NULL
    COMMENT ''Unix time / 60 of the refusals that the row stands for; NULL: a login that was let in'',
  ADD COLUMN attempts INT UNSIGNED NOT NULL DEFAULT 1
    COMMENT ''how many logins the row stands for'',
  ADD COLUMN names INT UNSIGNED NOT NULL DEFAULT 1
    COMMENT ''how many different user names they tried, as far as they were told apart'',
  ADD UNIQUE KEY login_audit_refusals (minute, address),
  COMMENT = ''one row a login, refusals one row an address and minute; ops may delete old rows''');
PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;

-- How often the second factor of an account may be guessed. Repeatable as 0002 is.

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'account' AND column_name = 'totp_full_at');
SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE account
  ADD COLUMN totp_full_at BIGINT NOT NULL DEFAULT 0
    COMMENT ''Unix time at which all tries of the second factor are there again''');
PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;

-- Whose session it is: the owner of a player's row beside its epoch, and the process that holds a
-- session.
CREATE TABLE IF NOT EXISTS node (
  id BIGINT UNSIGNED NOT NULL
    COMMENT 'random number of one life of a server process',
  process VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'boot id, pid namespace, pid and start time: whether it lives, for who shares the machine',
  started_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
    COMMENT 'UTC',
  seen_at DATETIME(3) NOT NULL
    COMMENT 'UTC, clock of the database; when the process last said that it lives',
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'server processes that hold sessions; who is silent for too long is taken for dead';

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'player_data' AND column_name = 'owner');

SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE player_data
  ADD COLUMN owner BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT ''with epoch, the session that may write this row: random, of its claim''
    AFTER epoch');

PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'account' AND column_name = 'session_node');

SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE account
  ADD COLUMN session_node BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT ''node.id of the process that holds the session; 0: offline'',
  ADD KEY account_node (session_node)');

PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;
